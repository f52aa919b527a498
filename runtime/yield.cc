// Through the run queue and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/yield.h"

#include "weft/runtime/current.h"
#include "weft/runtime/internal/worker.h"

namespace weft {

bool YieldAwaiter::await_suspend(Continuation caller) noexcept {
  internal::ThisThread& here = internal::this_thread;
  Prepare(caller, here);
  // From here on `*this` may be gone: a thief may run us at once.
  return here.worker->PushFairUnlessAlone(*this);
}

}  // namespace weft
