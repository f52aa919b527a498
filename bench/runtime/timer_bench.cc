// What does a sleep cost, with a million of them armed?
//
//     timer_arm       SleepFor: from the co_await to the armed timer; it reads
//                     the clock once
//     timer_cancel    cancelling it: out of the wheel and into the run queue
//     timer_arm_fire  arming it, its moment, and the turn in which its task
//                     goes on
//     timer_late_p99  how late a hundred tasks are that sleep for one to ten
//                     milliseconds, again and again: the 99th percentile, on a
//                     worker that has nothing else to do
//
// A million tasks that sleep would measure a million tasks. So the awaiters are
// driven by hand, by one task: each has a cancel scope of its own, as a task
// would give it, and goes on with a step that counts. What a `co_await` adds is
// the suspension, 2 ns.
//
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/percentiles.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/yield.h"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::int64_t kTimers = 1'000'000;

// Where a sleep goes on.
class Counter final : public Runnable {
 public:
  Continuation Run(internal::ThisThread&) noexcept override {
    ++count_;
    return {};
  }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
  std::int64_t count() const noexcept { return count_; }

 private:
  std::int64_t count_ = 0;
};

class Sleeper final : public TaskContext {
 public:
  Sleeper(internal::TaskList* home, absl::Duration duration) noexcept
      : TaskContext(home), sleep_(duration) {}

  void Begin(Counter& woken) noexcept {
    internal::ThisThread& here = internal::Here();
    TaskContext* const task = std::exchange(here.context, this);
    // False: past already, and then it would not have waited.
    if (sleep_.await_ready() || !sleep_.await_suspend(woken)) {
      woken.Run(here);
    }
    here.context = task;
  }

 private:
  SleepAwaiter sleep_;
};

// A task's worth of memory for each, made before the clock runs.
std::vector<std::unique_ptr<Sleeper>> MakeSleepers(absl::Duration shortest,
                                                   absl::Duration spread) {
  internal::TaskList* const home = internal::Here().context->home();
  std::vector<std::unique_ptr<Sleeper>> sleepers;
  sleepers.reserve(kTimers);
  for (std::int64_t i = 0; i < kTimers; ++i) {
    sleepers.push_back(
        std::make_unique<Sleeper>(home, shortest + spread * i / kTimers));
  }
  return sleepers;
}

Task<> RunUntil(const Counter& woken, std::int64_t count) {
  while (woken.count() < count) co_await Yield();
}

enum class Timed { kArm, kCancel };

Task<Seconds> ArmAndCancel(Timed timed) {
  Counter woken;
  auto sleepers = MakeSleepers(absl::Minutes(1), absl::Hours(1));
  const Clock::time_point begin = Clock::now();
  for (auto& sleeper : sleepers) sleeper->Begin(woken);
  const Clock::time_point armed = Clock::now();
  for (auto& sleeper : sleepers) sleeper->Cancel();
  const Clock::time_point cancelled = Clock::now();
  co_await RunUntil(woken, kTimers);
  co_return timed == Timed::kArm ? armed - begin : cancelled - armed;
}

Task<Seconds> ArmAndFire() {
  Counter woken;
  auto sleepers = MakeSleepers(absl::Milliseconds(1), absl::Milliseconds(50));
  const Clock::time_point begin = Clock::now();
  for (auto& sleeper : sleepers) sleeper->Begin(woken);
  co_await RunUntil(woken, kTimers);
  co_return Clock::now() - begin;
}

template <typename Measure>
void Often(benchmark::State& state, Measure measure) {
  Runtime runtime({.workers = 1});
  while (state.KeepRunningBatch(kTimers)) {
    state.SetIterationTime(runtime.BlockOn(measure()).value().count());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = sizeof(SleepAwaiter);
}

void Arm(benchmark::State& state) {
  Often(state, [] { return ArmAndCancel(Timed::kArm); });
}
BENCHMARK(Arm)
    ->Name("runtime/timer_arm/weft")
    ->MeasureProcessCPUTime()
    ->UseManualTime();

void Cancel(benchmark::State& state) {
  Often(state, [] { return ArmAndCancel(Timed::kCancel); });
}
BENCHMARK(Cancel)
    ->Name("runtime/timer_cancel/weft")
    ->MeasureProcessCPUTime()
    ->UseManualTime();

void Fire(benchmark::State& state) {
  Often(state, [] { return ArmAndFire(); });
}
BENCHMARK(Fire)
    ->Name("runtime/timer_arm_fire/weft")
    ->MeasureProcessCPUTime()
    ->UseManualTime();

// --- timer_late_p99 ---------------------------------------------------------

Task<absl::Status> SleepOften(int number, Percentiles& lateness) {
  for (int i = 0; i < 50; ++i) {
    const absl::Duration pause =
        absl::Microseconds(1000 + (number * 50 + i) * 7919 % 9000);
    const Instant due = Now() + pause;
    co_await OrReturn(SleepUntil(due));
    lateness.Add(Now() - due);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SleepSideBySide(Percentiles& lateness) {
  co_return co_await WithScope([&](Scope& sleepers) -> Task<absl::Status> {
    for (int i = 0; i < 100; ++i) {
      sleepers.Spawn(SleepOften, i, std::ref(lateness));
    }
    co_return absl::OkStatus();
  });
}

void Lateness(benchmark::State& state) {
  Runtime runtime({.workers = 1});
  for (auto _ : state) {
    Percentiles lateness;
    MustBeOk(runtime.BlockOn(SleepSideBySide(lateness)));
    lateness.Report(state);
  }
}
BENCHMARK(Lateness)
    ->Name("runtime/timer_late_p99/weft")
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseManualTime();

}  // namespace
}  // namespace weft::bench
