// The reactor of the first worker of the first core.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/main_reactor.h"

#include "weft/runtime/current.h"
#include "weft/runtime/internal/cores.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"

namespace weft {

reactor::Reactor& MainReactor() noexcept {
  internal::Scheduler& own = internal::Here().worker->scheduler();
  // Null in a simulation, which has one core.
  internal::Cores* const cores = own.cores();
  internal::Scheduler& first = cores == nullptr ? own : cores->core(0);
  return first.worker(0).reactor();
}

}  // namespace weft
