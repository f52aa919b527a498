// Cores: the schedulers that one runtime is made of.
//
//     kWorkStealing    [ worker  worker  worker ]      one scheduler, whose
//                        <----- steal ----->           workers share the work
//
//     kPerCore         [ worker ] [ worker ] [ worker ]   one scheduler each:
//                           <-- wakes, nothing else -->   a task stays where
//                                                         it was born
//
// That is all there is to the second shape. A scheduler with one worker has no
// atomics in its queues, steals from nobody and shares no injector; a task is
// woken by the scheduler of its own context, so a wake from another core goes
// into this one's inbox; and what is in sync/ may be shared between runtimes
// anyway.
//
// Rejected: a second mode inside of the scheduler. Every path that looks for
// work would ask which one it is in.
//
// Invariants
//   1. No scheduler is destroyed while another's threads run: a wake may be on
//      its way to it.
//   2. They are drained together: while one has tasks, these may spawn tasks in
//      those that had none.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_CORES_H_
#define WEFT_RUNTIME_INTERNAL_CORES_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/spin_budget.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/runtime.h"

namespace weft::internal {

class Scheduler;

// Threads: one makes, starts, drains and destroys it; the others any.
class Cores {
 public:
  // No thread is started yet.
  //
  // Errors: RESOURCE_EXHAUSTED where the system gives no poller.
  static absl::StatusOr<std::unique_ptr<Cores>> Create(
      const RuntimeOptions& options);
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;
  // What is still suspended dies. Requires: no threads are running.
  ~Cores();

  // RESOURCE_EXHAUSTED where the system refuses a thread; none is left then.
  absl::Status StartThreads();

  // Cancels every task, waits until they have ended or `timeout` has passed,
  // and stops the threads.
  void DrainAndStop(absl::Duration timeout);

  // Where a task that is spawned by the calling thread is born: on its own
  // core, or on each in turn for a plain thread.
  TaskList& HomeForCaller() noexcept;

  std::size_t size() const noexcept { return schedulers_.size(); }
  Scheduler& core(std::size_t index) const noexcept {
    return *schedulers_[index];
  }
  int workers() const noexcept;
  // They share nothing but the processors, and with these who else wants one.
  SpinBudget::Company Company() const noexcept;

 private:
  Cores() = default;

  bool AnyTasks() noexcept;

  std::vector<std::unique_ptr<Scheduler>> schedulers_;
  Atomic<std::size_t> next_home_{0};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_CORES_H_
