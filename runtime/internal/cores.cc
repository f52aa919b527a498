// One scheduler or several: made, ended and chosen from.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/cores.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/instant.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/processor_quota.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {

int DefaultWorkers() noexcept {
  try {
    reactor::System& system = reactor::System::Kernel();
    const int allowed = system.available_processors();
    const int quota = internal::ProcessorQuota(system).value_or(allowed);
    return std::clamp(std::min(allowed, quota), 1, internal::Idle::kMaxWorkers);
  } catch (const std::bad_alloc&) {
    return 1;  // There is no memory for more.
  }
}

namespace internal {

absl::StatusOr<std::unique_ptr<Cores>> Cores::Create(
    const RuntimeOptions& options) {
  ABSL_RAW_CHECK(options.max_blocking_threads >= 1,
                 "RuntimeOptions::max_blocking_threads is at least 1: file "
                 "operations need one too");
  const int processors = DefaultWorkers();
  const int workers = options.workers > 0 ? options.workers : processors;
  const int cores = options.flavor == Flavor::kPerCore ? workers : 1;
  std::unique_ptr<Cores> made(new Cores());
  for (int i = 0; i < cores; ++i) {
    auto scheduler = Scheduler::Create(
        {.workers = workers / cores,
         .system = options.system,
         .max_blocking_threads =
             (options.max_blocking_threads + cores - 1) / cores,
         .longest_spin = options.longest_spin,
         .processors = processors,
         .cores = made.get()});
    if (!scheduler.ok()) return scheduler.status();
    made->schedulers_.push_back(*std::move(scheduler));
  }
  return made;
}

// No thread of any core, its pool's included, is left when the first one dies.
// The last ones first: who begins on each core does so from the first.
Cores::~Cores() {
  // Where they run still: an exception has come before the end.
  for (auto& scheduler : schedulers_) scheduler->StopThreads();
  for (auto& scheduler : schedulers_) scheduler->blocking_pool().Stop();
  while (!schedulers_.empty()) schedulers_.pop_back();
}

SpinBudget::Company Cores::Company() const noexcept {
  SpinBudget::Company all = {};
  for (const auto& scheduler : schedulers_) {
    const SpinBudget::Company own = scheduler->OwnCompany();
    all.awake_workers += own.awake_workers;
    all.blocking_threads += own.blocking_threads;
    all.processors = own.processors;
  }
  return all;
}

absl::Status Cores::StartThreads() {
  for (auto& scheduler : schedulers_) {
    absl::Status started = scheduler->StartThreads();
    if (started.ok()) continue;
    for (auto& other : schedulers_) other->StopThreads();
    return started;
  }
  return absl::OkStatus();
}

// Whether tasks are left is asked of all at one moment, when each by itself has
// said that it has none.
void Cores::DrainAndStop(absl::Duration timeout) {
  const reactor::Reactor& clock = schedulers_.front()->worker(0).reactor();
  const reactor::Instant until = clock.Now() + timeout;
  for (auto& scheduler : schedulers_) scheduler->BeginDrain();
  bool in_time = true;
  while (in_time && AnyTasks()) {
    for (auto& scheduler : schedulers_) {
      in_time = scheduler->WaitUntilDrained(until - clock.Now()) && in_time;
    }
  }
  for (auto& scheduler : schedulers_) scheduler->StopThreads();
}

bool Cores::AnyTasks() noexcept {
  bool any = false;
  for (auto& scheduler : schedulers_) scheduler->LockRegistries();
  for (auto& scheduler : schedulers_) any |= scheduler->AnyTasksWhileLocked();
  for (auto& scheduler : schedulers_) scheduler->UnlockRegistries();
  return any;
}

TaskList& Cores::HomeForCaller() noexcept {
  const Worker* const worker = this_thread.worker;
  for (auto& scheduler : schedulers_) {
    if (worker != nullptr && &worker->scheduler() == scheduler.get()) {
      return scheduler->RegistryForCaller();
    }
  }
  // relaxed: any spread will do.
  const std::size_t turn = next_home_.fetch_add(1, std::memory_order_relaxed);
  return schedulers_[turn % schedulers_.size()]->RegistryForCaller();
}

int Cores::workers() const noexcept {
  int workers = 0;
  for (const auto& scheduler : schedulers_)
    workers += scheduler->worker_count();
  return workers;
}

}  // namespace internal
}  // namespace weft
