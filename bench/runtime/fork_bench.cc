// What does a fork of two tasks cost, and does a second worker help?
//
// Arg 0: workers.
//
// fib(27), computed as slowly as it can be: every call forks two, 635,621
// times. A task is one call.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <tuple>

#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

constexpr int kNumber = 27;
constexpr std::int64_t kResult = 196'418;
// Calls: c(n) = 1 + c(n - 1) + c(n - 2), c(0) = c(1) = 1.
constexpr std::int64_t kCalls = 635'621;

Task<std::int64_t> Fib(int number) {
  if (number < 2) co_return number;
  auto [one, two] = co_await WhenAll(Fib(number - 1), Fib(number - 2));
  co_return one + two;
}

void WeftFork(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kCalls)) {
    ABSL_RAW_CHECK(runtime.BlockOn(Fib(kNumber)).value() == kResult,
                   "a fork lost a branch");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WeftFork)
    ->Name("runtime/fork_fib/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
