// An intrusive doubly linked list under a spin lock.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/task_list.h"

#include "weft/runtime/internal/root.h"

namespace weft::internal {

void TaskList::Add(Root& task) noexcept {
  std::lock_guard lock(lock_);
  task.links.previous = nullptr;
  task.links.next = first_;
  if (first_ != nullptr) first_->links.previous = &task;
  first_ = &task;
}

void TaskList::Remove(Root& task) noexcept {
  std::lock_guard lock(lock_);
  TaskLinks& links = task.links;
  if (links.next != nullptr) links.next->links.previous = links.previous;
  (links.previous != nullptr ? links.previous->links.next : first_) =
      links.next;
}

void TaskList::ForEach(absl::FunctionRef<void(Root&)> visit) {
  std::lock_guard lock(lock_);
  for (Root* task = first_; task != nullptr; task = task->links.next) {
    visit(*task);
  }
}

Root* TaskList::TakeAny() noexcept {
  std::lock_guard lock(lock_);
  Root* const task = first_;
  if (task == nullptr) return nullptr;
  first_ = task->links.next;
  if (first_ != nullptr) first_->links.previous = nullptr;
  return task;
}

}  // namespace weft::internal
