// Spawn: start a task that runs beside its caller, and the handle to it.
//
//     JoinHandle<Report> report = Spawn(MakeReport, customer);
//     ...
//     Report finished = co_await OrReturn(report.Join());
//
// Children that belong to a piece of work, and must not outlive it, are better
// spawned into a Scope (scope.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SPAWN_H_
#define WEFT_RUNTIME_SPAWN_H_

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/internal/join_leaf.h"
#include "weft/runtime/internal/spawned.h"
#include "weft/runtime/task.h"
#include "weft/runtime/wait_result.h"

namespace weft {

template <typename T>
class [[nodiscard("co_await it")]] JoinAwaiter final
    : public internal::JoinLeaf {
 public:
  explicit JoinAwaiter(internal::ResultRoot<T>& task) noexcept
      : JoinLeaf(task) {}

  WaitResult<T> await_resume() {
    absl::Status status = EndWait();
    if (!status.ok()) return status;
    auto& finished = static_cast<internal::ResultRoot<T>&>(task());
    return internal::TakeWaitResult(finished.result());
  }
};

// Owns the right to a task's result. Dropping it requests the task's
// cancellation and does not wait for it, so what the task borrows must outlive
// the task in some other way.
template <typename T>
class [[nodiscard("dropping it cancels the task; or Detach() it")]] JoinHandle {
 public:
  JoinHandle() = default;
  // For Spawn.
  explicit JoinHandle(internal::ResultRoot<T>& task) noexcept : task_(&task) {}
  JoinHandle(JoinHandle&& other) noexcept
      : task_(std::exchange(other.task_, nullptr)) {}
  // Drops the task it held.
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    JoinHandle taken(std::move(other));
    std::swap(task_, taken.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->DropHandle();
  }

  // False for a handle that was moved from or detached.
  explicit operator bool() const noexcept { return task_ != nullptr; }

  // Waits for the task and gives its result, once. An exception that escaped
  // from it is thrown from the co_await.
  //
  // Suspends: until the task has finished; where it has, not at all, but for a
  //           turn when the caller has completed many operations without
  //           waiting.
  // Cancel:   CANCELLED; the task goes on, and can be joined again.
  // Threads:  any task of any runtime, one at a time.
  // Borrows:  the handle.
  JoinAwaiter<T> Join() noexcept { return JoinAwaiter<T>(task()); }

  // As Join, for a plain thread: blocks it.
  //
  // Threads: any that is not a worker; a worker would wait for itself.
  WaitResult<T> BlockingJoin() {
    if (!internal::BlockUntilFinished(task())) return CancelledError();
    return internal::TakeWaitResult(task_->result());
  }

  // Requests cancellation of the task; it ends when its code has. Any thread.
  void Cancel() noexcept {
    if (task_ != nullptr) task_->Cancel();
  }

  // Lets the task run on its own. An exception that escapes from it ends the
  // program; the runtime cancels and awaits it when it stops.
  void Detach() noexcept {
    if (task_ != nullptr) std::exchange(task_, nullptr)->ReleaseHandle();
  }

  // Requires: the handle is not empty, as Join does.
  bool finished() const noexcept { return task().finished(); }
  std::uint64_t task_id() const noexcept { return task().id(); }

  // For what waits for it otherwise than by Join.
  internal::ResultRoot<T>& task() const noexcept {
    ABSL_RAW_CHECK(task_ != nullptr,
                   "this JoinHandle is empty: it was moved from or detached");
    return *task_;
  }

 private:
  internal::ResultRoot<T>* task_ = nullptr;
};

namespace internal {

template <typename T, typename Callable>
JoinHandle<T> SpawnInto(TaskList& home, Callable callable) {
  auto* const task =
      new Spawned<ResultRoot<T>, Callable>(std::move(callable), home);
  task->Start();
  return JoinHandle<T>(*task);
}

}  // namespace internal

// Starts `task` on the caller's runtime, behind what is ready already.
//
// Requires: InsideRuntime(); from a plain thread, use Runtime::Spawn.
// Errors:   std::bad_alloc.
// Cost:     one block from the frame pool.
template <typename T>
JoinHandle<T> Spawn(Task<T> task) {
  return internal::SpawnInto<T>(internal::HomeForCaller(),
                                internal::MadeTask<T>(std::move(task)));
}

// As above, for function(args...), which must return a Task. The function and
// the arguments are copied or moved into the new task and live as long as its
// coroutine, so a capturing lambda is safe here. Wrap references in std::ref.
template <typename Function, typename... Args>
  requires MakesTask<Function, Args...>
auto Spawn(Function&& function, Args&&... args) {
  auto closure = internal::MakeClosure(std::forward<Function>(function),
                                       std::forward<Args>(args)...);
  using T = typename decltype(closure.Call())::Result;
  return internal::SpawnInto<T>(internal::HomeForCaller(), std::move(closure));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_SPAWN_H_
