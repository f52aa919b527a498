// The way in, and the ways to end.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/scheduler.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/signal_mask.h"
#include "weft/reactor/spin_wait.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/cores.h"
#include "weft/runtime/internal/depot_keeper.h"
#include "weft/runtime/internal/root.h"

namespace weft::internal {

absl::StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(
    const Options& options) {
  ABSL_RAW_CHECK(options.workers >= 1 && options.workers <= Idle::kMaxWorkers,
                 "a runtime has between 1 and 64 workers");
  std::unique_ptr<Scheduler> scheduler(new Scheduler(options));
  const Sharing sharing =
      options.workers == 1 ? Sharing::kSolo : Sharing::kShared;
  const StealBarrier barrier =
      sharing == Sharing::kShared && options.workers <= kMostForThievesToPay
          ? StealBarrier::PaidByThieves(scheduler->system_)
          : StealBarrier();
  for (int i = 0; i < options.workers; ++i) {
    absl::StatusOr<std::unique_ptr<reactor::Reactor>> reactor =
        reactor::Reactor::Create(scheduler->system_, *scheduler->sources_);
    if (!reactor.ok()) return reactor.status();
    scheduler->workers_.push_back(std::make_unique<Worker>(
        *scheduler, i, sharing, barrier, *std::move(reactor)));
  }
  return scheduler;
}

Scheduler::Scheduler(const Options& options)
    : system_(options.system != nullptr ? *options.system
                                        : reactor::System::Kernel()),
      cores_(options.cores),
      longest_spin_(options.longest_spin),
      processors_(options.processors),
      sources_(std::make_shared<reactor::SourcePool>()),
      blocking_pool_(options.max_blocking_threads),
      watch_(*this) {}

Scheduler::~Scheduler() {
  blocking_pool_.Stop();
  // Another thread's push may have ended the last task and still be on its way
  // to wake a worker. acquire: pairs with the release in PushFromOutside.
  reactor::SpinWait spin;
  while (pushing_.load(std::memory_order_acquire) != 0) spin.Once();
  TearDown();
  DepotKeeper::TrimUnlessKept();
}

absl::Status Scheduler::StartThreads() {
  try {
    // First: the workers take themselves off its count of those awake.
    watch_.Start();
    threads_.reserve(workers_.size());
    for (auto& worker : workers_) {
      threads_.emplace_back([&worker] {
        const reactor::BrokenPipesAreErrors guard;
        worker->RunUntilStopped();
      });
    }
    return absl::OkStatus();
  } catch (const std::system_error& refused) {
    StopThreads();
    return absl::ResourceExhaustedError(
        absl::StrCat("start a thread: ", refused.what()));
  }
}

void Scheduler::StopThreads() noexcept {
  watch_.Stop();
  // release: pairs with the acquire in stopping().
  stopping_.store(true, std::memory_order_release);
  for (auto& worker : workers_) worker->reactor().Wake();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// --- The way in -------------------------------------------------------------

void Scheduler::Schedule(Job& job) noexcept {
  if (Worker* const worker = WorkerOfThisThread()) {
    worker->PushWoken(job);
  } else {
    PushFromOutside(job);
  }
}

// A sleeper gets it and is woken; else it goes round. The job is stored before
// the sleepers' word is read (idle.h); a worker that was picked while awake
// finds it before it sleeps.
void Scheduler::PushFromOutside(Job& job) noexcept {
  if (this_thread.tearing_down == this) [[unlikely]]
    return AbandonAtOnce(job);
  // relaxed: the push below releases it, and whoever ends the runtime because
  // this job has run acquires that.
  pushing_.fetch_add(1, std::memory_order_relaxed);
  int index = idle_.ClaimAny();
  const bool claimed = index != Idle::kNobody;
  if (!claimed) {
    // relaxed: any spread will do.
    const auto turn = next_inbox_.fetch_add(1, std::memory_order_relaxed);
    index = static_cast<int>(turn % workers_.size());
  }
  Worker& worker = *workers_[index];
  worker.inbox().Push(job);
  if (claimed || idle_.Claim(index)) worker.reactor().Wake();
  // release: pairs with the acquire in the destructor. From here on `*this`
  // may be gone.
  pushing_.fetch_sub(1, std::memory_order_release);
}

SpinBudget::Company Scheduler::Company() const noexcept {
  return cores_ == nullptr ? OwnCompany() : cores_->Company();
}

void Scheduler::WakeOneToHelp() noexcept {
  if (idle_.anyone_searching() || !idle_.anyone_asleep()) return;
  const int sleeper = idle_.ClaimAny();
  if (sleeper != Idle::kNobody) workers_[sleeper]->reactor().Wake();
}

Registry& Scheduler::RegistryForCaller() noexcept {
  Worker* const worker = WorkerOfThisThread();
  return (worker != nullptr ? worker : workers_.front().get())->registry();
}

std::uint64_t Scheduler::ReserveTaskIds(std::uint64_t count) noexcept {
  // relaxed: only the number matters.
  return next_task_id_.fetch_add(count, std::memory_order_relaxed);
}

// --- Ending -----------------------------------------------------------------

void Scheduler::BeginDrain() noexcept {
  // seq_cst: a task is registered before it reads draining() (Root::Start); we
  // set it before we walk the registries: one of the two sees the other.
  draining_.store(true, std::memory_order_seq_cst);
  ForEachTask([](Root& task) { task.Cancel(); });
}

void Scheduler::TellDrainer() noexcept {
  std::lock_guard lock(drain_mutex_);
  task_ended_.notify_all();
}

// All registries at one moment: looked at one after the other, a task could be
// born into the one that was seen empty while its parent, the last of another,
// ends.
bool Scheduler::AnyTasks() noexcept {
  LockRegistries();
  const bool any = AnyTasksWhileLocked();
  UnlockRegistries();
  return any;
}

void Scheduler::LockRegistries() noexcept {
  for (auto& worker : workers_) worker->registry().lock().lock();
}

bool Scheduler::AnyTasksWhileLocked() noexcept {
  bool any = false;
  for (auto& worker : workers_) any |= !worker->registry().empty();
  return any;
}

void Scheduler::UnlockRegistries() noexcept {
  for (auto& worker : workers_) worker->registry().lock().unlock();
}

// wait_for goes by the clock that nobody sets: a step of the wall's must not
// end a drain.
bool Scheduler::WaitUntilDrained(absl::Duration timeout) {
  std::unique_lock lock(drain_mutex_);
  const auto drained = [this] { return !AnyTasks(); };
  if (timeout == absl::InfiniteDuration()) {
    task_ended_.wait(lock, drained);
    return true;
  }
  constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 100);
  return task_ended_.wait_for(
      lock, absl::ToChronoNanoseconds(std::min(timeout, kLongest)), drained);
}

void Scheduler::ForEachTask(absl::FunctionRef<void(Root&)> visit) {
  for (auto& worker : workers_) worker->registry().ForEach(visit);
}

// A woken leaf that is still queued names its frames in its context.
void Scheduler::AbandonQueuedJobs() noexcept {
  for (auto& worker : workers_) {
    while (Job* const job = worker->TakeAnyJob()) AbandonAtOnce(*job);
  }
}

// A job that is abandoned may wake another, and that one a third: a lock goes
// from waiter to waiter. The loop keeps the stack flat.
void Scheduler::AbandonAtOnce(Job& job) noexcept {
  abandoned_.PushBack(job);
  if (std::exchange(abandoning_, true)) return;
  while (Job* const next = abandoned_.PopFront()) next->Abandon();
  abandoning_ = false;
}

// The destructors of what dies wake others, which never run: this thread is no
// worker now, so a wake comes to PushFromOutside and is abandoned on the spot.
// Were it queued, its frame could die before the queue was looked at. What they
// spawn never starts, and dies here too.
void Scheduler::TearDown() noexcept {
  if (workers_.empty()) return;
  ThisThread& here = Here();
  Worker* const outer_worker = here.Bind(nullptr);
  TaskContext* const outer_context = std::exchange(here.context, nullptr);
  Scheduler* const outer = std::exchange(here.tearing_down, this);
  AbandonQueuedJobs();
  while (AnyTasks()) {
    for (auto& worker : workers_) {
      while (Root* const task = worker->registry().TakeAny()) task->TearDown();
    }
  }
  here.tearing_down = outer;
  here.context = outer_context;
  here.Bind(outer_worker);
}

}  // namespace weft::internal
