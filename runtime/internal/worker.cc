// The loop of a worker.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/worker.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/spin_wait.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/seeded_order.h"
#include "weft/runtime/internal/stack_guard.h"
#include "weft/runtime/internal/uncancelled_thread.h"
#include "weft/runtime/leaf.h"

namespace weft::internal {
namespace {

std::int64_t NanosecondsBetween(Instant from, Instant to) noexcept {
  return to.nanoseconds() - from.nanoseconds();
}

// To somebody who has what is ours, or will bring it, and may wait for this
// very processor.
void GiveWay() noexcept { std::this_thread::yield(); }

// Spread, since an xorshift that begins with a small number stays small for a
// while; and odd, since one that begins with 0 stays there.
std::uint32_t FirstRandom(std::uint32_t seed) noexcept {
  constexpr std::uint32_t kGoldenRatio = 0x9E3779B9;
  return (seed + 1) * kGoldenRatio | 1;
}

}  // namespace

Worker::Worker(Scheduler& scheduler, int index, Sharing sharing,
               const StealBarrier& barrier,
               std::unique_ptr<reactor::Reactor> reactor)
    : scheduler_(scheduler),
      index_(index),
      sharing_(sharing),
      reactor_(std::move(reactor)),
      registry_(scheduler),
      spin_budget_(scheduler.longest_spin()),
      random_(FirstRandom(static_cast<std::uint32_t>(index))),
      run_queue_(sharing, barrier),
      forks_(sharing, barrier),
      lifo_(sharing, barrier) {}

Worker::~Worker() = default;

Worker* ThisThread::Bind(Worker* next) noexcept {
  forks = next == nullptr ? nullptr : &next->forks();
  return std::exchange(worker, next);
}

void Worker::UseSeededOrder(std::uint64_t seed) {
  seeded_order_ = std::make_unique<SeededOrder>(seed);
  random_ = FirstRandom(static_cast<std::uint32_t>(seed));
}

void Worker::RunUntilStopped() {
  const UncancelledThread uncancelled;
  ThisThread& here = Here();
  MarkStackBase(here);
  here.Bind(this);
  last_poll_ = reactor_->Now();
  pace_.Restart(last_poll_);
  in_loop_ = true;
  while (!scheduler_.stopping()) {
    if (check_is_due()) Check();
    if (sharing_ == Sharing::kSolo) {
      TakeTurns<Sharing::kSolo>(here);
    } else {
      TakeTurns<Sharing::kShared>(here);
    }
  }
  in_loop_ = false;
  here.Bind(nullptr);
}

// Takes turns until a check is due, or until it has slept. Whether to stop is
// asked after that, and not every turn: whoever stops us wakes us.
//
// Twice the same loop, so that it asks neither who shares the queue nor whether
// a solo pop came to nothing: 0.2 of 4.5 ns.
template <Sharing kSharing>
void Worker::TakeTurns(ThisThread& here) noexcept {
  do {
    Job* job = nullptr;
    if (only_the_run_queue_ && !run_queue_.empty()) [[likely]] {
      if constexpr (kSharing == Sharing::kSolo) {
        Execute(run_queue_.PopSolo(), here);
        continue;  // To the condition, which ends the turn.
      } else {
        job = run_queue_.PopShared();
      }
    }
    if (job == nullptr) job = NextJobOrSearch(here);
    if (job == nullptr) {
      SleepAtMost(absl::InfiniteDuration());
      return;
    }
    Execute(*job, here);
  } while (!pace_.EndTurn() && !overdue());
  here.context = nullptr;
}

Job* Worker::NextJobOrSearch(ThisThread& here) noexcept {
  pace_.LookAtNextCheck();
  if (Job* const job = NextJob()) return job;
  here.context = nullptr;
  return Search();
}

bool Worker::RunOneJob(ThisThread& here) {
  if (here.stack_base == nullptr) MarkStackBase(here);
  if (check_is_due()) Check();
  Job* const job = seeded_order_ != nullptr ? NextSeededJob() : NextJob();
  if (job == nullptr) return false;
  Execute(*job, here);
  pace_.EndTurn();
  here.context = nullptr;
  return true;
}

// Leaves the job's scope behind in here.context; the next job overwrites it,
// and who goes on to anything else clears it.
inline void Worker::Execute(Job& job, ThisThread& here) noexcept {
  Continuation next;
  if (job.is_plain_leaf()) [[likely]] {
    next = static_cast<Leaf&>(job).Resume(here);
  } else {
    next = job.Run(here);
  }
  // From here on the job may be gone.
  ResumeMarked(here, next.Resolve(here));
}

// --- The turn ---------------------------------------------------------------

Job* Worker::NextJob() noexcept {
  if (lifo_run_ < kMaxLifoRun) {
    if (Job* const job = lifo_.Take()) {
      ++lifo_run_;
      return job;
    }
  }
  lifo_run_ = 0;
  if (queue_first_ > 0) [[unlikely]] {
    if (Job* const job = run_queue_.Pop()) {
      --queue_first_;
      return job;
    }
    // Else a thief is inside, and their turn is still to come.
    if (run_queue_.empty()) queue_first_ = 0;
  }
  if (Job* const job = forks_.Pop()) return job;
  only_the_run_queue_ = OnlyTheRunQueue();
  if (Job* const job = run_queue_.Pop()) return job;
  return lifo_.Take();
}

bool Worker::OnlyTheRunQueue() const noexcept {
  // relaxed, as in all that it asks: what the owner has put there, it sees.
  return lifo_.empty() && forks_.empty() && queue_first_ == 0;
}

Job* Worker::NextSeededJob() noexcept {
  TakeIn();
  while (Job* const job = lifo_.Take()) seeded_order_->Add(*job);
  while (Job* const job = forks_.Pop()) seeded_order_->Add(*job);
  while (Job* const job = run_queue_.Pop()) seeded_order_->Add(*job);
  return seeded_order_->Next();
}

void Worker::PushWoken(Job& job) noexcept {
  only_the_run_queue_ = false;
  if (Job* const displaced = lifo_.Put(job)) PushFair(*displaced);
}

// The older half of the queue goes to the injector with the newcomer behind it,
// so that the next 128 pushes are cheap again. Beyond what the queue holds the
// order is not first come, first served: the newcomer is now ahead of the half
// that stayed, or behind it, as the injector is asked. (While a thief is inside
// the newcomer goes alone; there is room soon.)
void Worker::Overflow(Job& job) noexcept {
  JobList jobs;
  for (std::uint64_t i = 0; i < RunQueue::kCapacity / 2; ++i) {
    Job* const older = run_queue_.Pop();
    if (older == nullptr) break;
    jobs.PushBack(*older);
  }
  jobs.PushBack(job);
  scheduler_.injector().Push(jobs);
  MarkSurplus();
}

void Worker::PutOff(Job& fork) noexcept {
  put_offs_.store(put_offs() + 1, std::memory_order_relaxed);
  Check();
  PushFair(fork);
  ServeQueueFirst();
}

void Worker::ReserveTaskIds() noexcept {
  next_task_id_ = scheduler_.ReserveTaskIds(kTaskIdsAtATime);
  task_ids_end_ = next_task_id_ + kTaskIdsAtATime;
}

bool Worker::PushFairOrGoOn(Job& job) noexcept {
  const bool alone =
      run_queue_.empty() && (only_the_run_queue_ || OnlyTheRunQueue());
  if (alone && in_loop_ && !overdue() && pace_.EndTurnUnlessLast()) {
    return false;
  }
  PushFair(job);
  return true;
}

// --- Every few turns --------------------------------------------------------

// pace.h says when.
void Worker::Check() noexcept {
  TakeIn();
  if (pace_.BeginCheck() || overdue()) LookAround();
}

// At the clock; at the kernel, when that is due; and whether there is more here
// than one worker should keep.
void Worker::LookAround() noexcept {
  const bool was_overdue = overdue();
  overdue_.store(false, std::memory_order_relaxed);
  // relaxed: the watch only wants to see it move.
  rounds_.store(rounds_.load(std::memory_order_relaxed) + 1,
                std::memory_order_relaxed);
  const Instant now = reactor_->Now();
  const std::int64_t turn = pace_.Look(now);
  if (NanosecondsBetween(last_poll_, now) >= poll_every_ &&
      seeded_order_ == nullptr) {
    PollBetweenJobs(now);
    pace_.Restart(last_poll_);
  }
  if (was_overdue) [[unlikely]]
    ServeQueueFirst();
  const std::uint64_t queued = run_queue_.size();
  if (sharing_ == Sharing::kSolo || queued < 2) return;
  MarkSurplus();
  if (turn * static_cast<std::int64_t>(queued) >= kWorthAWake) {
    scheduler_.WakeOneToHelp();
  }
}

// A look at the kernel may take a sixtieth of the time, and no more: where
// system calls are dear (under a tracer or a hypervisor's eye, ten times and
// more), looking every 50 us would be all we do. A look that was interrupted
// counts for twice the last one at most.
void Worker::PollBetweenJobs(Instant now) noexcept {
  constexpr int kShare = 64;
  constexpr std::int64_t kAtLeastEvery = 5'000'000;
  Poll(absl::ZeroDuration());
  last_poll_ = reactor_->Now();
  poll_every_ = std::clamp(
      std::min(NanosecondsBetween(now, last_poll_) * kShare, poll_every_ * 2),
      Pace::kPollEvery, kAtLeastEvery);
}

bool Worker::TakeIn() noexcept {
  bool any = false;
  JobList jobs = inbox_.TakeAll();
  while (Job* const job = jobs.PopFront()) {
    PushFair(*job);
    any = true;
  }
  if (scheduler_.injector().empty()) return any;
  // A fair share, and no more than fits without going straight back.
  const std::uint64_t room = RunQueue::kCapacity - run_queue_.size();
  jobs = scheduler_.injector().Take(room / 2);
  while (Job* const job = jobs.PopFront()) {
    PushFair(*job);
    any = true;
  }
  return any;
}

Job* Worker::TakeAnyJob() noexcept {
  TakeIn();
  if (Job* const job = lifo_.Take()) return job;
  if (Job* const job = forks_.Pop()) return job;
  if (Job* const job = run_queue_.Pop()) return job;
  return seeded_order_ != nullptr ? seeded_order_->Next() : nullptr;
}

// acquire and release: one poller thread after the other.
bool Worker::BeginPolling() noexcept {
  return !polling_.exchange(true, std::memory_order_acquire);
}

void Worker::EndPolling() noexcept {
  polling_.store(false, std::memory_order_release);
}

int Worker::Poll(absl::Duration max_wait) noexcept {
  if (!BeginPolling()) return 0;
  const int served = PollWhileHeld(max_wait);
  EndPolling();
  return served;
}

int Worker::PollWhileHeld(absl::Duration max_wait) noexcept {
  const absl::StatusOr<int> served = reactor_->Poll(max_wait);
  // A poller that fails leaves tasks waiting for ever; better the end of the
  // program, with its reason.
  if (!served.ok()) {
    ABSL_RAW_LOG(FATAL, "the poller failed: %s",
                 std::string(served.status().message()).c_str());
  }
  return *served;
}

bool Worker::PollForOwner() noexcept { return Poll(absl::ZeroDuration()) > 0; }

// --- When dry ---------------------------------------------------------------

Job* Worker::Search() noexcept {
  TakeIn();
  LookAround();
  Poll(absl::ZeroDuration());
  last_poll_ = pace_.last_look();
  if (Job* const job = NextJob()) return job;
  if (sharing_ == Sharing::kSolo) return SearchAlone();
  UnmarkSurplus();
  if (!scheduler_.idle().BeginSearch(scheduler_.worker_count())) {
    return nullptr;
  }
  Job* job = StealFromSiblings();
  if (job == nullptr && Spin()) {
    TakeIn();
    job = NextJob();
    if (job == nullptr) job = StealFromSiblings();
  }
  if (scheduler_.idle().EndSearch() && job != nullptr) {
    scheduler_.WakeOneToHelp();
  }
  return job;
}

// From other threads, the kernel and the clock.
Job* Worker::SearchAlone() noexcept {
  if (!Spin()) return nullptr;
  TakeIn();
  return NextJob();
}

Job* Worker::StealFromSiblings() noexcept {
  const int count = scheduler_.worker_count();
  for (int i = 0; i < count; ++i) {
    // Unsigned, and only then an index: the number goes round one day.
    const std::uint32_t next = next_victim_++ % static_cast<unsigned>(count);
    Worker& victim = scheduler_.worker(static_cast<int>(next));
    if (&victim == this) continue;
    if (!victim.has_surplus() && !victim.overdue()) continue;
    if (Job* const job = victim.StealFor(*this)) return job;
    if (victim.overdue() && victim.PollForOwner()) {
      if (Job* const job = NextJob()) return job;
    }
  }
  return nullptr;
}

Job* Worker::StealFor(Worker& thief) noexcept {
  if (Job* const job = forks_.Steal()) return job;
  if (Job* const job =
          run_queue_.StealHalf([&thief](Job& more) { thief.PushFair(more); })) {
    return job;
  }
  if (overdue()) {
    if (Job* const job = lifo_.Steal()) return job;
    JobList left = inbox_.TakeAll();
    Job* const first = left.PopFront();
    while (Job* const more = left.PopFront()) thief.PushFair(*more);
    if (first != nullptr) return first;
  }
  UnmarkSurplus();
  return nullptr;
}

// Looks out for work without taking it, for as long as spin_budget.h thinks
// that it pays: a busy ping-pong finds its partner awake, and an idle program
// goes straight to sleep.
bool Worker::Spin() noexcept {
  const SpinBudget::Company company = scheduler_.Company();
  const absl::Duration budget = spin_budget_.GetIn(company);
  if (budget == absl::ZeroDuration()) return false;
  const Instant began = reactor_->Now();
  Instant now = began;
  do {
    if (AnyWorkInSight() || Poll(absl::ZeroDuration()) > 0) {
      spin_budget_.Found(now - began);
      return true;
    }
    PauseBeforeNextLook(company);
    now = reactor_->Now();
  } while (now < began + budget);
  spin_budget_.LookedInVain(budget);
  return false;
}

// Beside siblings that are up the processor is offered to whoever wants it: it
// may be a client, who has the work that we look out for and shares the machine
// with us, and then two workers that echo take an eighth less of it. A worker
// that is alone keeps it: beside a program that only computes, it would get it
// back when that one's turn is over, after milliseconds (one connection was
// served 300 times a second instead of 15,000), where one who sleeps is woken
// at once, and one who looks out is there.
void Worker::PauseBeforeNextLook(const SpinBudget::Company& company) noexcept {
  if (company.awake_workers > 1) return GiveWay();
  constexpr int kPauses = 32;
  for (int i = 0; i < kPauses; ++i) reactor::SpinWait::Pause();
}

bool Worker::AnyWorkInSight() const noexcept {
  if (!inbox_.empty() || !scheduler_.injector().empty()) return true;
  if (scheduler_.stopping() || has_work()) return true;
  for (int i = 0; i < scheduler_.worker_count(); ++i) {
    const Worker& sibling = scheduler_.worker(i);
    if (&sibling == this) continue;
    if (sibling.has_surplus()) return true;
    if (sibling.overdue() && sibling.has_work()) return true;
  }
  return false;
}

// The poller is ours before we announce the sleep: a sibling that polled for us
// after that could read the doorbell that was rung for us, and the wake would
// be lost.
bool Worker::SleepAtMost(absl::Duration limit) noexcept {
  if (!BeginPolling()) {
    GiveWay();  // Somebody does it for us.
    return true;
  }
  Idle& idle = scheduler_.idle();
  idle.Announce(index_);
  // The recheck of idle.h: everything that a pusher may have filled before it
  // could see our bit.
  if (AnyWorkInSight()) {
    idle.Withdraw(index_);
    EndPolling();
    spin_budget_.Slept(absl::ZeroDuration());
    // Nobody else fills these, and Search found nothing: a thief is at it.
    if (!run_queue_.empty() || !lifo_.empty()) GiveWay();
    return true;
  }
  scheduler_.WorkerSleeps();
  const Instant fell_asleep = reactor_->Now();
  const int served = PollWhileHeld(limit);
  EndPolling();
  scheduler_.WorkerWakes();
  // A waker that has cleared our bit brought something, if only its wake.
  const bool woken = !idle.Withdraw(index_);
  last_poll_ = reactor_->Now();
  spin_budget_.Slept(last_poll_ - fell_asleep);
  pace_.Restart(last_poll_);
  return woken || served > 0 || has_work();
}

bool Worker::has_work() const noexcept {
  // relaxed: a hint, for those who look again later.
  return !forks_.empty() || !run_queue_.empty() || !inbox_.empty() ||
         !lifo_.empty();
}

}  // namespace weft::internal
