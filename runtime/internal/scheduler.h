// Scheduler: the workers of one runtime, what they share, and the way in.
//
// Everything that becomes ready comes through Schedule or Spawn, from any
// thread. On a worker of this scheduler it goes to that worker's own queues and
// costs no atomic read-modify-write with one worker; from anywhere else it goes
// to an inbox, and a sleeper is woken if there is one.
//
// A Scheduler without threads is what the Simulator drives by hand.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SCHEDULER_H_
#define WEFT_RUNTIME_INTERNAL_SCHEDULER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/idle.h"
#include "weft/runtime/internal/injector.h"
#include "weft/runtime/internal/spin_budget.h"
#include "weft/runtime/internal/watch.h"
#include "weft/runtime/internal/worker.h"

namespace weft::internal {

class Root;

class Cores;

class Scheduler {
 public:
  struct Options {
    int workers = 1;
    reactor::System* system = nullptr;  // Null: the kernel's.
    int max_blocking_threads = 64;      // 0: Blocking runs inline (Simulator).
    absl::Duration longest_spin = absl::Microseconds(100);
    int processors = 1;      // For all that are held together by `cores`.
    Cores* cores = nullptr;  // What it is one of; null in a Simulator.
  };

  // Errors: what creating a poller reports.
  static absl::StatusOr<std::unique_ptr<Scheduler>> Create(
      const Options& options);
  // Requires: no threads are running. Tears down what is still suspended.
  ~Scheduler();

  // RESOURCE_EXHAUSTED where the system refuses a thread; none is left then.
  absl::Status StartThreads();
  // Stops and joins the workers' threads. What is suspended stays so.
  void StopThreads() noexcept;

  // --- The way in: any thread ----------------------------------------------

  // A wait is over: the job runs soon, on the calling worker if it is ours.
  void Schedule(Job& job) noexcept;
  // A new task, or one that yields from outside a worker: the fair queue.
  void Spawn(Job& job) noexcept {
    if (Worker* const worker = WorkerOfThisThread()) [[likely]] {
      worker->PushFair(job);
    } else {
      PushFromOutside(job);
    }
  }

  // Where a task spawned by the calling thread belongs.
  Registry& RegistryForCaller() noexcept;
  // Never 0, and never twice. In no order: workers reserve many at a time.
  std::uint64_t NextTaskId() noexcept {
    Worker* const worker = WorkerOfThisThread();
    return worker != nullptr ? worker->NextTaskId() : ReserveTaskIds(1);
  }
  std::uint64_t ReserveTaskIds(std::uint64_t count) noexcept;

  // --- Ending --------------------------------------------------------------

  // Cancels every task, and each one that is spawned from now on.
  void BeginDrain() noexcept;
  bool draining() const noexcept {
    // seq_cst: see TaskEnded.
    return draining_.load(std::memory_order_seq_cst);
  }
  // Waits for the last task to end, `timeout` at most. False: some are still
  // there.
  bool WaitUntilDrained(absl::Duration timeout);
  // A task has left its registry.
  void TaskEnded() noexcept {
    // The registry's lock orders our removal before a drainer's look into it; a
    // drainer that looked before set draining_ before that, so we see it here.
    if (draining()) [[unlikely]]
      TellDrainer();
  }
  bool AnyTasks() noexcept;
  // The same in three steps, for whoever asks several schedulers at once.
  void LockRegistries() noexcept;
  bool AnyTasksWhileLocked() noexcept;
  void UnlockRegistries() noexcept;
  void ForEachTask(absl::FunctionRef<void(Root&)> visit);
  // Destroys every suspended frame, leaf first. Requires: no threads.
  void TearDown() noexcept;

  // --- For the workers -----------------------------------------------------

  bool stopping() const noexcept {
    // acquire: pairs with the release in StopThreads.
    return stopping_.load(std::memory_order_acquire);
  }
  int worker_count() const noexcept {
    return static_cast<int>(workers_.size());
  }
  Worker& worker(int index) noexcept { return *workers_[index]; }
  Injector& injector() noexcept { return injector_; }
  Idle& idle() noexcept { return idle_; }
  BlockingPool& blocking_pool() noexcept { return blocking_pool_; }
  Cores* cores() const noexcept { return cores_; }
  absl::Duration longest_spin() const noexcept { return longest_spin_; }
  // Of a worker that is awake: on whatever core of the runtime they are.
  SpinBudget::Company Company() const noexcept;
  // On this one alone.
  SpinBudget::Company OwnCompany() const noexcept {
    return {.awake_workers = worker_count() - idle_.sleepers(),
            .blocking_threads = blocking_pool_.busy_threads(),
            .processors = processors_};
  }
  // Wakes a sleeper to search, unless somebody searches already.
  void WakeOneToHelp() noexcept;
  void WorkerSleeps() noexcept { watch_.WorkerSleeps(); }
  void WorkerWakes() noexcept { watch_.WorkerWakes(); }

 private:
  // With more workers thieves do not pay for the barrier (steal_barrier.h): the
  // call interrupts all of them, and there are more who steal.
  static constexpr int kMostForThievesToPay = 8;

  explicit Scheduler(const Options& options);
  void AbandonQueuedJobs() noexcept;
  void AbandonAtOnce(Job& job) noexcept;
  void PushFromOutside(Job& job) noexcept;
  void TellDrainer() noexcept;
  // Null when the caller is not one of ours.
  Worker* WorkerOfThisThread() noexcept {
    Worker* const worker = this_thread.worker;
    return worker != nullptr && &worker->scheduler() == this ? worker : nullptr;
  }

  reactor::System& system_;
  Cores* const cores_;
  const absl::Duration longest_spin_;
  const int processors_;
  const std::shared_ptr<reactor::SourcePool> sources_;
  Injector injector_;
  Idle idle_;
  std::vector<std::unique_ptr<Worker>> workers_;
  BlockingPool blocking_pool_;
  Watch watch_;
  std::vector<std::thread> threads_;

  Atomic<bool> stopping_{false};
  Atomic<bool> draining_{false};
  Atomic<std::uint32_t> next_inbox_{0};
  // Outsiders inside PushFromOutside: we stay until they have left.
  Atomic<int> pushing_{0};
  Atomic<std::uint64_t> next_task_id_{1};
  JobList abandoned_;  // The thread that tears us down only, as the next.
  bool abandoning_ = false;

  std::mutex drain_mutex_;
  std::condition_variable task_ended_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_SCHEDULER_H_
