// Timers of Asio that are armed, a million of them, and cancelled.
//
// A timer and its handler are what a coroutine would await; they are made
// before the clock runs, as ours are.
//
// SPDX-License-Identifier: MIT

#include <asio/basic_waitable_timer.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/asio/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

using Timer =
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

struct Took {
  Seconds arming;
  Seconds cancelling;
};

Took ArmAndCancel(Workers& workers) {
  std::vector<Timer> timers;
  timers.reserve(kTimers);
  for (std::int64_t i = 0; i < kTimers; ++i) {
    timers.emplace_back(workers.executor());
  }
  std::int64_t woken = 0;
  const Clock::time_point begin = Clock::now();
  for (std::int64_t i = 0; i < kTimers; ++i) {
    timers[i].expires_after(TimerDelay(i));
    timers[i].async_wait([&woken](asio::error_code) { ++woken; });
  }
  const Clock::time_point armed = Clock::now();
  for (Timer& timer : timers) timer.cancel();
  const Clock::time_point cancelled = Clock::now();
  workers.Run();
  Must(woken == kTimers, "a timer was lost");
  return {.arming = armed - begin, .cancelling = cancelled - armed};
}

void Timers(benchmark::State& state, Seconds Took::* part) {
  Workers workers(1);
  while (state.KeepRunningBatch(kTimers)) {
    state.SetIterationTime((ArmAndCancel(workers).*part).count());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Timers, arm, &Took::arming)
    ->Name("runtime/timer_arm/asio")
    ->Apply(ByHand);
BENCHMARK_CAPTURE(Timers, cancel, &Took::cancelling)
    ->Name("runtime/timer_cancel/asio")
    ->Apply(ByHand);

}  // namespace
}  // namespace weft::bench
