// AsCompleted owns its tasks: it begins when it is awaited, and what a view
// points at may be gone by then.
//
// Says: TasksOf<.*span
//
// SPDX-License-Identifier: MIT

#include <span>

#include "absl/status/status.h"
#include "weft/runtime/task.h"
#include "weft/sync/as_completed.h"

using weft::Task;

Task<absl::Status> Outer(std::span<Task<int>> tasks) {
  auto body = [](weft::sync::Completions<int>&) -> Task<absl::Status> {
    co_return absl::OkStatus();
  };
  co_return co_await weft::sync::AsCompleted(tasks, body);
}
