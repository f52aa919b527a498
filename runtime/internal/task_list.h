// TaskList: the tasks that were born in one place, a worker's registry or a
// scope.
//
// Every spawned task is in exactly one list until it has finished; walking the
// registries and, from each task, down through its leaves, finds everything
// that waits. The list also answers for its tasks where they belong: which
// scheduler, and which scope they may not outlive.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_TASK_LIST_H_
#define WEFT_RUNTIME_INTERNAL_TASK_LIST_H_

#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "weft/reactor/spin_lock.h"

namespace weft {

class PromiseBase;

namespace internal {

class Root;
class Scheduler;

// The links of a member, a base of every Root. Guarded by the list, and not
// looked at before Add sets them.
struct TaskLinks {
  TaskLinks* previous_task;
  TaskLinks* next_task;
};

class TaskList {
 public:
  explicit TaskList(Scheduler& scheduler) noexcept
      : ends_{&ends_, &ends_}, scheduler_(scheduler) {}
  TaskList(const TaskList&) = delete;
  TaskList& operator=(const TaskList&) = delete;

  Scheduler& scheduler() const noexcept { return scheduler_; }

  void Add(TaskLinks& task) noexcept {
    const std::lock_guard lock(lock_);
    task.previous_task = &ends_;
    task.next_task = ends_.next_task;
    ends_.next_task->previous_task = &task;
    ends_.next_task = &task;
  }
  void Remove(const TaskLinks& task) noexcept {
    const std::lock_guard lock(lock_);
    task.next_task->previous_task = task.previous_task;
    task.previous_task->next_task = task.next_task;
  }
  // For a look at several lists at one moment: empty() with the lock held.
  reactor::SpinLock& lock() noexcept { return lock_; }
  bool empty() const noexcept { return ends_.next_task == &ends_; }

  // Calls `visit` for each member under the lock, so that none can finish
  // meanwhile. `visit` may cancel and look; it must not add or remove.
  void ForEach(absl::FunctionRef<void(Root&)> visit);

  // Takes out any member; null when empty. For a stopped runtime.
  Root* TakeAny() noexcept;

 protected:
  ~TaskList() = default;

 private:
  reactor::SpinLock lock_;
  // A ring through both ends, so that nobody is first or last by an exception.
  // Guarded by lock_, as are the members' links.
  TaskLinks ends_;
  Scheduler& scheduler_;
};

// The tasks that were spawned on one worker outside of any scope.
class Registry final : public TaskList {
 public:
  using TaskList::TaskList;
};

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_INTERNAL_TASK_LIST_H_
