// What does an element cost that is handed to a function, so many at a time?
//
//     parallel_for_each        a function that does nothing
//     parallel_for_each_yield  one that lets the others have a turn
//
// Arg 0: workers.
// Arg 1: calls at a time. With 1 it is a loop, and the difference is the price
//        of sharing the elements out.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <utility>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/parallel_for_each.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kElements = 400'000;

auto Elements() { return std::views::iota(std::int64_t{0}, kElements); }

Task<absl::Status> DoNothing(std::int64_t) { co_return absl::OkStatus(); }

Task<absl::Status> GiveWay(std::int64_t) {
  co_await Yield();
  co_return absl::OkStatus();
}

void OnWorkersWithALimit(benchmark::internal::Benchmark* question) {
  question->ArgsProduct({{1, 2}, {1, 8}})
      ->MeasureProcessCPUTime()
      ->UseRealTime();
}

void ForEach(benchmark::State& state) {
  const auto limit = static_cast<std::size_t>(state.range(1));
  Measure(state, kElements, [limit] {
    return sync::ParallelForEach(Elements(), limit, DoNothing);
  });
}
BENCHMARK(ForEach)
    ->Name("sync/parallel_for_each/weft")
    ->Apply(OnWorkersWithALimit);

void ForEachYield(benchmark::State& state) {
  const auto limit = static_cast<std::size_t>(state.range(1));
  Measure(state, kElements, [limit] {
    return sync::ParallelForEach(Elements(), limit, GiveWay);
  });
}
BENCHMARK(ForEachYield)
    ->Name("sync/parallel_for_each_yield/weft")
    ->Apply(OnWorkersWithALimit);

}  // namespace
}  // namespace weft::bench
