// How a scheduler begins and ends, for the two that own one: Runtime, RunMain.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_LIFECYCLE_H_
#define WEFT_RUNTIME_INTERNAL_LIFECYCLE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/runtime.h"

namespace weft::internal {

class Scheduler;

// Its threads are not started yet.
absl::StatusOr<std::unique_ptr<Scheduler>> CreateScheduler(
    const RuntimeOptions& options);

// Cancels every task, waits until they have ended or `timeout` has passed, and
// stops the threads. What is suspended then dies with the scheduler.
void DrainAndStop(Scheduler& scheduler, absl::Duration timeout);

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_LIFECYCLE_H_
