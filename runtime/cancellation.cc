// The current scope's one bit, asked three ways.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/cancellation.h"

#include "weft/runtime/current.h"
#include "weft/runtime/internal/fork.h"
#include "weft/runtime/task_context.h"

namespace weft {

bool IsCancelled() noexcept {
  TaskContext* const context = internal::this_thread.context;
  if (context == nullptr) return false;
  internal::AnnounceForks(*context);
  return context->cancelled();
}

absl::Status CheckCancelled() noexcept {
  if (IsCancelled()) [[unlikely]]
    return CancelledError();
  return absl::OkStatus();
}

// Without a message: such a Status allocates nothing.
absl::Status CancelledError() {
  return absl::Status(absl::StatusCode::kCancelled, "");
}

}  // namespace weft
