// A worker, driven by hand.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/testing/simulator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"

namespace weft::testing {
namespace {

// The calling thread is the worker's while this lives, and in no task's scope;
// and, as on a worker's own thread, a broken pipe is an error there.
class Bind {
 public:
  explicit Bind(internal::Worker& worker) noexcept
      : outer_(internal::Here().Bind(&worker)),
        outer_context_(std::exchange(internal::Here().context, nullptr)) {}
  Bind(const Bind&) = delete;
  Bind& operator=(const Bind&) = delete;
  ~Bind() {
    internal::Here().context = outer_context_;
    internal::Here().Bind(outer_);
  }

 private:
  internal::Worker* const outer_;
  TaskContext* const outer_context_;
  const reactor::BrokenPipesAreErrors broken_pipes_;
};

std::unique_ptr<internal::Scheduler> CreateScheduler(SimulatedSystem& system) {
  auto scheduler = internal::Scheduler::Create(
      {.workers = 1, .system = &system, .max_blocking_threads = 0});
  if (!scheduler.ok()) {
    ABSL_RAW_LOG(FATAL, "cannot start a simulation: %s",
                 scheduler.status().ToString().c_str());
  }
  return *std::move(scheduler);
}

}  // namespace

Simulator::Simulator(SimulatorOptions options)
    : system_(options.system != nullptr ? *options.system : own_system_),
      scheduler_(CreateScheduler(system_)) {
  if (options.seed.has_value()) worker().UseSeededOrder(*options.seed);
}

Simulator::Simulator(std::uint64_t seed)
    : Simulator(SimulatorOptions{.seed = seed}) {}

Simulator::~Simulator() = default;

internal::Worker& Simulator::worker() const noexcept {
  return scheduler_->worker(0);
}

internal::TaskList& Simulator::home() noexcept { return worker().registry(); }

void Simulator::AdvanceClock(absl::Duration duration) noexcept {
  system_.AdvanceTo(now() + duration);
}

Instant Simulator::now() const noexcept { return worker().reactor().Now(); }

bool Simulator::AnyTasks() noexcept { return scheduler_->AnyTasks(); }

bool Simulator::Step(internal::ThisThread& here, Instant horizon) {
  if (worker().RunOneJob(here)) return true;
  if (worker().TakeIn() || system_.RunEvents()) return true;
  if (worker().PollForOwner()) return true;
  const Instant next =
      std::min(worker().reactor().timers().NextDeadline(), system_.NextEvent());
  if (next == Instant::InfiniteFuture() || next > horizon) return false;
  system_.AdvanceTo(next);
  system_.RunEvents();
  worker().PollForOwner();
  return true;
}

bool Simulator::RunOneStep() {
  const Bind bind(worker());
  worker().TakeIn();
  return Step(internal::Here(), Instant::InfiniteFuture());
}

void Simulator::RunUntilIdle() {
  const Bind bind(worker());
  while (Step(internal::Here(), Instant::InfiniteFuture())) {
  }
}

void Simulator::RunFor(absl::Duration duration) {
  const Bind bind(worker());
  const Instant horizon = now() + duration;
  while (Step(internal::Here(), horizon)) {
  }
  system_.AdvanceTo(horizon);
  while (Step(internal::Here(), horizon)) {
  }
}

void Simulator::RunUntil(absl::FunctionRef<bool()> done) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kPatience{10};
  const Bind bind(worker());
  Clock::time_point last_progress = Clock::now();
  while (!done()) {
    if (Step(internal::Here(), Instant::InfiniteFuture())) {
      last_progress = Clock::now();
      continue;
    }
    // News that nobody waits for is none: what is left of ten seconds goes on.
    const auto left = last_progress + kPatience - Clock::now();
    if (left > Clock::duration::zero()) {
      worker().SleepAtMost(absl::FromChrono(left));
      continue;
    }
    ABSL_RAW_LOG(FATAL,
                 "the simulated task waits for something that nothing will "
                 "bring: every task waits, and no timer is armed");
  }
}

void Simulator::CancelAll() noexcept {
  const Bind bind(worker());
  scheduler_->ForEachTask([](internal::Root& task) { task.Cancel(); });
}

}  // namespace weft::testing
