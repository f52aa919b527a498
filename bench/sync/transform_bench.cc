// What does a stage of a pipeline cost an element that goes through it?
//
// A Transform that passes numbers on, and a ParallelForEach that takes them one
// by one: what sync/parallel_for_each costs for the second is to be taken off.
//
// Arg 0: workers.
// Arg 1: calls at a time.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/task.h"
#include "weft/sync/parallel_for_each.h"
#include "weft/sync/transform.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kElements = 400'000;

Task<absl::StatusOr<std::int64_t>> PassOn(std::int64_t element) {
  co_return element;
}

Task<absl::Status> DoNothing(std::int64_t) { co_return absl::OkStatus(); }

void TransformInOrder(benchmark::State& state) {
  const auto limit = static_cast<std::size_t>(state.range(1));
  Measure(state, kElements, [limit] {
    auto elements = std::views::iota(std::int64_t{0}, kElements);
    auto passed_on = sync::Transform(elements, limit, PassOn);
    return sync::ParallelForEach(std::move(passed_on), 1, DoNothing);
  });
}
BENCHMARK(TransformInOrder)
    ->Name("sync/transform/weft")
    ->ArgsProduct({{1, 2}, {1, 8}})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
