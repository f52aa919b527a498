// Worker: one thread's share of the runtime, with everything it needs of its
// own.
//
//     wakes ---> [LIFO slot] --.
//     forks ---> [fork deque] --+--> the turn: take one job, run it, repeat
//     yields,                   |
//     spawns --> [run queue] ---'    every few turns: inbox, injector, poller
//                                    when dry: the same, then steal, spin,
//     others --> [inbox]             and sleep in the poller, nowhere else
//
// The order of a turn is LIFO slot, fork deque, run queue. What was just woken
// is warm in the cache, so it goes first, but at most kMaxLifoRun times in a
// row: two tasks that wake each other must not starve the queue. When the watch
// has found the worker overdue, what is in the run queue by then goes before
// the fork deque, once each.
//
// Threads: the methods under "owner" are for the thread that runs the worker;
// the others are for any.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_WORKER_H_
#define WEFT_RUNTIME_INTERNAL_WORKER_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/runtime/internal/inbox.h"
#include "weft/runtime/internal/injector.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/lifo_slot.h"
#include "weft/runtime/internal/pace.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/runtime/internal/spin_budget.h"
#include "weft/runtime/internal/steal_barrier.h"
#include "weft/runtime/internal/task_list.h"

namespace weft::internal {

class Scheduler;
class SeededOrder;

class Worker {
 public:
  Worker(Scheduler& scheduler, int index, Sharing sharing,
         const StealBarrier& barrier,
         std::unique_ptr<reactor::Reactor> reactor);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  Scheduler& scheduler() const noexcept { return scheduler_; }
  reactor::Reactor& reactor() const noexcept { return *reactor_; }
  Registry& registry() noexcept { return registry_; }

  // --- Owner ---------------------------------------------------------------

  // Binds the calling thread, runs until the scheduler stops, and unbinds it.
  void RunUntilStopped();

  // One turn: false when no queue of the worker holds a job. For the Simulator,
  // which binds the thread itself.
  bool RunOneJob(ThisThread& here);
  // Takes in what the inbox and the injector hold.
  bool TakeIn() noexcept;
  // Sleeps in the poller until there is something to do. False if there is
  // nothing after all: `limit` has passed, or the kernel had no more than news
  // that nobody waits for.
  bool SleepAtMost(absl::Duration limit) noexcept;
  // Any queued job, in no order; null when there is none. For a scheduler that
  // has stopped.
  Job* TakeAnyJob() noexcept;
  // From now on jobs run in a seeded random order.
  void UseSeededOrder(std::uint64_t seed);

  // To the end of the run queue: spawned and yielding tasks.
  void PushFair(Job& job) noexcept {
    if (!run_queue_.Push(job)) [[unlikely]]
      Overflow(job);
  }
  // Into the LIFO slot: what has just been woken.
  void PushWoken(Job& job) noexcept;

  // The rest of a fork; to the run queue where the deque is full.
  void PushFork(Job& rest) noexcept {
    if (!forks_.Push(rest)) [[unlikely]]
      return PushFair(rest);
    only_the_run_queue_ = false;
    if (sharing_ == Sharing::kShared) MarkSurplus();
  }
  ForkDeque& forks() noexcept { return forks_; }

  // To the end of the run queue, since the worker is overdue: it looks around
  // at once, and what that brings goes first, too.
  void PutOff(Job& fork) noexcept;

  // As PushFair, for a job that yields. False when nobody else here has
  // anything to do and no check is due: the job's next turn has begun, and it
  // goes on in place. The order of turns is the same as if it had gone through
  // the queue, at two thirds of the price.
  bool PushFairUnlessAlone(Job& job) noexcept {
    if (run_queue_.PushBehindOthers(job)) [[likely]]
      return true;
    return PushFairOrGoOn(job);
  }

  // For a task that is spawned here.
  std::uint64_t NextTaskId() noexcept {
    if (next_task_id_ == task_ids_end_) [[unlikely]]
      ReserveTaskIds();
    return next_task_id_++;
  }

  // The next of a sequence without a pattern that a choice could show. Not for
  // secrets. Marsaglia, "Xorshift RNGs", Journal of Statistical Software, 2003.
  std::uint32_t Random() noexcept {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_;
  }

  // How many operations the running job may still complete without waiting;
  // below zero, it should yield.
  int SpendBudget() noexcept {
    // Reset here and not in every turn: most spend nothing.
    if (budget_of_turn_ != pace_.turn()) {
      budget_of_turn_ = pace_.turn();
      budget_ = kBudget;
    }
    return --budget_;
  }

  // --- Any thread ----------------------------------------------------------

  Inbox& inbox() noexcept { return inbox_; }

  // Takes jobs from this worker for `thief`, the caller: one to run, more into
  // its queue. From a worker that is overdue, its LIFO slot and inbox too.
  Job* StealFor(Worker& thief) noexcept;

  // Polls this worker's descriptors and timers, unless it does so itself.
  bool PollForOwner() noexcept;

  // A hint: whether it is worth trying to steal here.
  bool has_surplus() const noexcept {
    return surplus_.load(std::memory_order_relaxed);
  }

  // Set by the watch on a worker that has not looked around for a tick.
  // Read by the loop and by every fork.
  bool overdue() const noexcept {
    return overdue_.load(std::memory_order_relaxed);
  }
  void set_overdue() noexcept {
    overdue_.store(true, std::memory_order_relaxed);
  }
  // For the watch: how often the loop has looked around, and whether anything
  // waits here.
  std::uint64_t rounds() const noexcept {
    return rounds_.load(std::memory_order_relaxed);
  }
  // How often a fork was put off because the worker was overdue.
  std::uint64_t put_offs() const noexcept {
    return put_offs_.load(std::memory_order_relaxed);
  }
  bool has_work() const noexcept;

 private:
  static constexpr int kMaxLifoRun = 3;
  static constexpr int kBudget = 128;
  static constexpr std::uint64_t kTaskIdsAtATime = 1024;
  static constexpr std::int64_t kWorthAWake = 25'000;  // Nanoseconds.

  bool PushFairOrGoOn(Job& job) noexcept;
  void ReserveTaskIds() noexcept;
  bool check_is_due() const noexcept {
    return pace_.check_is_due() || overdue();
  }
  template <Sharing kSharing>
  void TakeTurns(ThisThread& here) noexcept;
  Job* NextJob() noexcept;
  // Out of line, so that the loop is short where tasks only take turns.
  [[gnu::noinline]] Job* NextJobOrSearch(ThisThread& here) noexcept;
  bool OnlyTheRunQueue() const noexcept;
  Job* NextSeededJob() noexcept;
  void Execute(Job& job, ThisThread& here) noexcept;
  void Check() noexcept;
  void LookAround() noexcept;
  void ServeQueueFirst() noexcept {
    queue_first_ = run_queue_.size();
    only_the_run_queue_ = false;
  }
  void PollBetweenJobs(reactor::Instant now) noexcept;
  Job* Search() noexcept;
  Job* SearchAlone() noexcept;
  Job* StealFromSiblings() noexcept;
  bool Spin() noexcept;
  static void PauseBeforeNextLook(const SpinBudget::Company& company) noexcept;
  bool AnyWorkInSight() const noexcept;
  void Overflow(Job& job) noexcept;
  // Polls, unless somebody else does: 0 then.
  int Poll(absl::Duration max_wait) noexcept;
  int PollWhileHeld(absl::Duration max_wait) noexcept;
  [[nodiscard]] bool BeginPolling() noexcept;
  void EndPolling() noexcept;
  // Nothing here: tells the next searcher, until the owner says otherwise. Not
  // where a queue is only in use.
  void UnmarkSurplus() noexcept {
    if (forks_.empty() && run_queue_.empty()) {
      surplus_.store(false, std::memory_order_relaxed);
    }
  }
  void MarkSurplus() noexcept {
    // Read first: a store would take the line away from every searcher.
    if (!has_surplus()) surplus_.store(true, std::memory_order_relaxed);
  }

  Scheduler& scheduler_;
  const int index_;
  const Sharing sharing_;
  const std::unique_ptr<reactor::Reactor> reactor_;
  Registry registry_;

  // Owner only.
  bool in_loop_ = false;  // Not in a Simulator, whose every turn is a step.
  std::uint64_t next_task_id_ = 0;  // What is left of a block of ids.
  std::uint64_t task_ids_end_ = 0;
  int budget_ = kBudget;
  std::uint64_t budget_of_turn_ = 0;
  int lifo_run_ = 0;
  // How many of the run queue go before the fork deque: all that were there
  // when the worker came up from a flood of forks.
  std::uint64_t queue_first_ = 0;
  // True: the run queue's oldest is next, if it holds any, since the LIFO slot
  // and the fork deque are empty and queue_first_ and lifo_run_ are 0. One
  // question a turn instead of three. NextJob sets it; who fills one of the
  // others clears it.
  bool only_the_run_queue_ = false;
  Pace pace_;
  reactor::Instant last_poll_;
  std::int64_t poll_every_ = Pace::kPollEvery;
  SpinBudget spin_budget_;
  std::uint32_t next_victim_ = 0;
  std::uint32_t random_;  // Never 0.
  std::unique_ptr<SeededOrder> seeded_order_;

  RunQueue run_queue_;
  ForkDeque forks_;
  alignas(kCacheLine) LifoSlot lifo_;
  // Written by the owner when it looks around; read by the watch.
  Atomic<std::uint64_t> rounds_{0};
  Atomic<std::uint64_t> put_offs_{0};  // As rounds_.
  // Whoever polls holds it; the owner while it sleeps, too.
  Atomic<bool> polling_{false};
  Inbox inbox_;
  alignas(kCacheLine) Atomic<bool> surplus_{false};
  Atomic<bool> overdue_{false};  // Shares a line that is rarely written.
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_WORKER_H_
