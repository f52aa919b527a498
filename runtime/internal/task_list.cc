// Walking the ring, and emptying it.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/task_list.h"

#include "weft/runtime/internal/root.h"

namespace weft::internal {

void TaskList::ForEach(absl::FunctionRef<void(Root&)> visit) {
  const std::lock_guard lock(lock_);
  for (TaskLinks* task = ends_.next_task; task != &ends_;
       task = task->next_task) {
    visit(static_cast<Root&>(*task));
  }
}

Root* TaskList::TakeAny() noexcept {
  const std::lock_guard lock(lock_);
  if (empty()) return nullptr;
  TaskLinks* const task = ends_.next_task;
  ends_.next_task = task->next_task;
  task->next_task->previous_task = &ends_;
  return &static_cast<Root&>(*task);
}

}  // namespace weft::internal
