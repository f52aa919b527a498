// The call that thieves pay with.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/steal_barrier.h"

#include <cerrno>

#include "absl/base/internal/raw_logging.h"

namespace weft::internal {

StealBarrier StealBarrier::PaidByThieves(reactor::System& system) noexcept {
  if (system.membarrier_register() != 0) return {};
  return StealBarrier(system);
}

// Once the process is registered the call has no error left to report; if it
// does, nothing that owners have done can be relied on.
void StealBarrier::CallBarrier() const noexcept {
  if (system_->membarrier() != 0) {
    ABSL_RAW_LOG(FATAL, "membarrier failed: errno %d", errno);
  }
}

}  // namespace weft::internal
