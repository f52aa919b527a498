// Asking about cancellation.
//
// Cancellation is a request that makes the wait in progress, and every later
// wait inside that scope, return CANCELLED. Code then runs on normally, so
// clean-up is ordinary code; what must not be interrupted goes into a Shield.
// task_context.h has the protocol.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_CANCELLATION_H_
#define WEFT_RUNTIME_CANCELLATION_H_

#include "absl/status/status.h"

namespace weft {

// Whether the scope that runs the caller has been cancelled. For long
// computations that never wait. False outside of a task.
//
// Cost: two loads; the first time in a branch of a fork, two atomic operations
// for each fork around it that nobody has asked or waited in before.
[[gnu::noinline]] bool IsCancelled() noexcept;

// CANCELLED if the scope that runs the caller has been cancelled, else OK. What
// every wait does first, ready or not.
absl::Status CheckCancelled() noexcept;

// The status of a wait that cancellation ended.
absl::Status CancelledError();

}  // namespace weft

#endif  // WEFT_RUNTIME_CANCELLATION_H_
