// Through the run queue and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/yield.h"

#include "weft/runtime/current.h"
#include "weft/runtime/internal/worker.h"

namespace weft {

void YieldAwaiter::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  ScheduleFairly();  // From here on `*this` may be gone.
}

Continuation YieldAwaiter::Run(internal::ThisThread& here) noexcept {
  here.context = &context();
  return continuation();
}

}  // namespace weft
