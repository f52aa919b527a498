// What does it cost to know the newest?
//
//     watch_get       a copy of a value that nobody changes
//     watch_set_next  one task sets, and sees what it has set
//     watch_told      one sets, and another waits for each: with its wake
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/watch.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kTimes = 400'000;

using Number = sync::Watch<std::int64_t>;

Task<absl::Status> GetAgainAndAgain() {
  Number watch(0);
  for (std::int64_t i = 0; i < kTimes; ++i) {
    benchmark::DoNotOptimize(watch.Get());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SetAndSee() {
  Number watch(0);
  Number::Observer observer = watch.Observe();
  for (std::int64_t i = 0; i < kTimes; ++i) {
    co_await OrReturn(watch.Set(i));
    const std::int64_t number = co_await OrReturn(observer.Next());
    benchmark::DoNotOptimize(number);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SeeAll(Number::Observer observer) {
  for (;;) {
    const absl::StatusOr<std::int64_t> number = co_await observer.Next();
    if (!number.ok()) co_return absl::OkStatus();
    benchmark::DoNotOptimize(number);
  }
}

Task<absl::Status> SetAndTell() {
  Number watch(0);
  JoinHandle<absl::Status> observer = Spawn(SeeAll(watch.Observe()));
  for (std::int64_t i = 0; i < kTimes; ++i) {
    co_await Yield();
    co_await OrReturn(watch.Set(i));
  }
  watch.Close();
  co_return co_await observer.Join();
}

void Get(benchmark::State& state) { Measure(state, kTimes, GetAgainAndAgain); }
BENCHMARK(Get)->Name("sync/watch_get/weft")->Apply(OnOneAndTwoWorkers);

void SetNext(benchmark::State& state) { Measure(state, kTimes, SetAndSee); }
BENCHMARK(SetNext)->Name("sync/watch_set_next/weft")->Apply(OnOneAndTwoWorkers);

void Told(benchmark::State& state) { Measure(state, kTimes, SetAndTell); }
BENCHMARK(Told)->Name("sync/watch_told/weft")->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
