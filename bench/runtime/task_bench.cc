// What does it cost to call a coroutine and await its result, when it never
// waits?
//
// The floor is a FloorTask (floor_task.h).
//
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "benchmark/benchmark.h"
#include "weft/bench/runtime/bare_coroutine.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/floor_task.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kAwaits = 1'000'000;

// --- weft -------------------------------------------------------------------

// Out of line in both, so that it is a call through a frame that is measured.
[[gnu::noinline]] Task<std::int64_t> Increment(std::int64_t number) {
  co_return number + 1;
}

Task<std::int64_t> Count(std::int64_t limit) {
  std::int64_t number = 0;
  while (number < limit) number = co_await Increment(number);
  co_return number;
}

void WeftAwait(benchmark::State& state) {
  Runtime runtime({.workers = 1});
  while (state.KeepRunningBatch(kAwaits)) {
    benchmark::DoNotOptimize(runtime.BlockOn(Count(kAwaits)).value());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WeftAwait)
    ->Name("runtime/await_ready_task/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- floor ------------------------------------------------------------------

[[gnu::noinline]] FloorTask FloorIncrement(std::int64_t number) {
  co_return number + 1;
}

BareCoroutine FloorCount(std::int64_t limit) {
  std::int64_t number = 0;
  while (number < limit) number = co_await FloorIncrement(number);
  benchmark::DoNotOptimize(number);
}

void FloorAwait(benchmark::State& state) {
  while (state.KeepRunningBatch(kAwaits)) {
    const BareCoroutine count = FloorCount(kAwaits);
    count.handle().resume();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FloorAwait)
    ->Name("runtime/await_ready_task/floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
