// What does a value cost that has been made already?
//
//     lazy_get  asked for by a coroutine
//     once_do   what has been done, asked for again
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/sync/lazy.h"
#include "weft/sync/once.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kTimes = 500'000;

Task<absl::StatusOr<int>> MakeNumber() { co_return 42; }
Task<absl::Status> DoNothing() { co_return absl::OkStatus(); }

Task<absl::Status> GetAgain() {
  sync::Lazy<int> number(MakeNumber);
  for (std::int64_t i = 0; i < kTimes; ++i) {
    const int* const made = co_await OrReturn(number.Get());
    benchmark::DoNotOptimize(*made);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> DoAgain() {
  sync::Once once;
  for (std::int64_t i = 0; i < kTimes; ++i) {
    co_await OrReturn(once.Do(DoNothing));
  }
  co_return absl::OkStatus();
}

void LazyGet(benchmark::State& state) { Measure(state, kTimes, GetAgain); }
BENCHMARK(LazyGet)->Name("sync/lazy_get/weft")->Apply(OnOneAndTwoWorkers);

void OnceDo(benchmark::State& state) { Measure(state, kTimes, DoAgain); }
BENCHMARK(OnceDo)->Name("sync/once_do/weft")->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
