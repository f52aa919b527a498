// What do a hundred million tasks cost, ten at a time?
//
// Arg 0: workers.
//
// Skynet: every task has ten children, eight levels deep, and adds up what they
// give; the leaves give their numbers. After Atemerev, "Skynet 1M concurrency
// microbenchmark", with a hundred times as many.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "benchmark/benchmark.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kLeaves = 100'000'000;
constexpr std::int64_t kTasks = 111'111'111;
constexpr std::int64_t kSum = kLeaves * (kLeaves - 1) / 2;
using TenWays = std::make_index_sequence<10>;

Task<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves);

template <std::size_t... kWays>
auto ForkTenWays(std::int64_t first, std::int64_t leaves,
                 std::index_sequence<kWays...> /*ways*/) {
  return WhenAll(
      Skynet(first + static_cast<std::int64_t>(kWays) * leaves, leaves)...);
}

Task<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  auto sums = co_await ForkTenWays(first, leaves / 10, TenWays());
  co_return std::apply([](auto... each) { return (each + ...); }, sums);
}

void WeftSkynet(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    const std::int64_t sum = runtime.BlockOn(Skynet(0, kLeaves)).value();
    ABSL_RAW_CHECK(sum == kSum, "a leaf was lost");
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(WeftSkynet)
    ->Name("runtime/fork_skynet/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
