// What does a fork of two tasks cost, and does a second worker help?
//
// Arg 0: workers.
//
// fib(37), computed as slowly as it can be: every call forks two. A task is one
// call, 78,176,337 of them, and does next to nothing: all that is measured is
// the fork. The floor makes the same calls as lazy tasks that are awaited one
// after the other, and could not run at the same time.
//
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "absl/base/internal/raw_logging.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/bare_coroutine.h"
#include "weft/bench/runtime/floor_task.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

constexpr int kNumber = 37;
constexpr std::int64_t kResult = 24'157'817;
// Calls: c(n) = 1 + c(n - 1) + c(n - 2), c(0) = c(1) = 1.
constexpr std::int64_t kCalls = 78'176'337;

void MustBeResult(std::int64_t result) {
  ABSL_RAW_CHECK(result == kResult, "a fork lost a branch");
}

// --- weft -------------------------------------------------------------------

Task<std::int64_t> Fib(int number) {
  if (number < 2) co_return number;
  auto [one, two] = co_await WhenAll(Fib(number - 1), Fib(number - 2));
  co_return one + two;
}

void WeftFib(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) MustBeResult(runtime.BlockOn(Fib(kNumber)).value());
  state.SetItemsProcessed(state.iterations() * kCalls);
}
BENCHMARK(WeftFib)
    ->Name("runtime/fork_fib37/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- floor ------------------------------------------------------------------

FloorTask FloorFib(int number) {
  if (number < 2) co_return number;
  const std::int64_t one = co_await FloorFib(number - 1);
  const std::int64_t two = co_await FloorFib(number - 2);
  co_return one + two;
}

BareCoroutine FloorRoot(std::int64_t& result) {
  result = co_await FloorFib(kNumber);
}

void FloorFibs(benchmark::State& state) {
  for (auto _ : state) {
    std::int64_t result = 0;
    const BareCoroutine root = FloorRoot(result);
    root.handle().resume();
    MustBeResult(result);
  }
  state.SetItemsProcessed(state.iterations() * kCalls);
}
BENCHMARK(FloorFibs)
    ->Name("runtime/fork_fib37/floor")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
