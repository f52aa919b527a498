// What does the timer wheel itself take, without a task around it?
//
//     timer_arm_cancel  armed and cancelled before its time, as most timers
//                       are, while Arg 0 others are armed
//     timer_arm_fire    armed, and fired when the clock gets there
//
// The clock is not read: moments are made up.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "weft/reactor/instant.h"
#include "weft/reactor/timer_wheel.h"

namespace weft::reactor {
namespace {

constexpr std::int64_t kTimers = 100'000;

class CountingTimer final : public Timer {
 public:
  void OnTimer() noexcept override { ++fired_; }
  std::int64_t fired() const noexcept { return fired_; }

 private:
  std::int64_t fired_ = 0;
};

// Spread over an hour, in an order that is not theirs.
absl::Duration Delay(std::int64_t number) {
  constexpr std::int64_t kPrime = 2'654'435'761;
  return absl::Milliseconds(1 + number * kPrime % 3'600'000);
}

void ArmAndCancelTimer(benchmark::State& state) {
  const Instant now;
  TimerWheel wheel(now);
  const std::int64_t others = state.range(0);
  const auto armed = std::make_unique<CountingTimer[]>(others);
  for (std::int64_t i = 0; i < others; ++i) wheel.Arm(armed[i], now + Delay(i));
  CountingTimer timer;
  std::int64_t number = 0;
  while (state.KeepRunningBatch(kTimers)) {
    for (std::int64_t i = 0; i < kTimers; ++i) {
      wheel.Arm(timer, now + Delay(++number));
      wheel.Cancel(timer);
    }
  }
  for (std::int64_t i = 0; i < others; ++i) wheel.Cancel(armed[i]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ArmAndCancelTimer)
    ->Name("reactor/timer_arm_cancel/weft")
    ->Arg(0)
    ->Arg(1'000'000)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void ArmAndFireTimer(benchmark::State& state) {
  Instant now;
  TimerWheel wheel(now);
  const auto timers = std::make_unique<CountingTimer[]>(kTimers);
  while (state.KeepRunningBatch(kTimers)) {
    for (std::int64_t i = 0; i < kTimers; ++i) {
      wheel.Arm(timers[i], now + Delay(i));
    }
    now = now + absl::Hours(1);
    wheel.Fire(now);
  }
  benchmark::DoNotOptimize(timers[0].fired());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ArmAndFireTimer)
    ->Name("reactor/timer_arm_fire/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::reactor
