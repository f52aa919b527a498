// What does a result cost that is taken as soon as its task has finished?
//
// A thousand tasks a time, which give a number and end. The same thousand
// through WhenAll, whose results come all together, are the floor.
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/sync/as_completed.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kTasks = 1'000;
constexpr std::int64_t kRounds = 200;

Task<std::int64_t> Give(std::int64_t number) { co_return number; }

std::vector<Task<std::int64_t>> Givers() {
  std::vector<Task<std::int64_t>> tasks;
  tasks.reserve(kTasks);
  for (std::int64_t i = 0; i < kTasks; ++i) tasks.push_back(Give(i));
  return tasks;
}

Task<absl::Status> TakeAll(sync::Completions<std::int64_t>& results) {
  std::int64_t sum = 0;
  while (auto next = co_await OrReturn(results.Next())) sum += next->result;
  benchmark::DoNotOptimize(sum);
  co_return absl::OkStatus();
}

Task<absl::Status> TakeAsCompleted() {
  for (std::int64_t i = 0; i < kRounds; ++i) {
    co_await OrReturn(sync::AsCompleted(Givers(), TakeAll));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TakeTogether() {
  for (std::int64_t i = 0; i < kRounds; ++i) {
    std::vector<std::int64_t> numbers = co_await WhenAll(Givers());
    benchmark::DoNotOptimize(numbers.data());
  }
  co_return absl::OkStatus();
}

void AsCompleted(benchmark::State& state) {
  Measure(state, kTasks * kRounds, TakeAsCompleted);
}
BENCHMARK(AsCompleted)
    ->Name("sync/as_completed/weft")
    ->Apply(OnOneAndTwoWorkers);

void Together(benchmark::State& state) {
  Measure(state, kTasks * kRounds, TakeTogether);
}
BENCHMARK(Together)->Name("sync/as_completed/floor")->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
