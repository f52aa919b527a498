// What does a task cost that runs beside its maker, from Spawn to Join?
//
// Arg 0: workers.
//
//     spawn_join     one at a time: spawn it, then join it
//     spawn_million  a million at once, then all are joined
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kTasks = 1'000'000;

Task<> EndAtOnce() { co_return; }

Task<absl::Status> OneAfterTheOther(std::int64_t tasks) {
  for (std::int64_t i = 0; i < tasks; ++i) {
    JoinHandle<void> task = Spawn(EndAtOnce);
    co_await OrReturn(task.Join());
  }
  co_return absl::OkStatus();
}

// A worker runs one of its tasks after the other, so none of these starts
// before the first join, unless another worker helps.
Task<absl::Status> AllAtOnce(std::int64_t tasks) {
  std::vector<JoinHandle<void>> handles;
  handles.reserve(tasks);
  for (std::int64_t i = 0; i < tasks; ++i) {
    handles.push_back(Spawn(EndAtOnce));
  }
  co_return co_await JoinAll(std::move(handles));
}

void SpawnJoin(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kTasks)) {
    MustBeOk(runtime.BlockOn(OneAfterTheOther(kTasks)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SpawnJoin)
    ->Name("runtime/spawn_join/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void SpawnMillion(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  // The first million gets its memory from the system, at 500 ns a task.
  MustBeOk(runtime.BlockOn(AllAtOnce(kTasks)));
  while (state.KeepRunningBatch(kTasks)) {
    MustBeOk(runtime.BlockOn(AllAtOnce(kTasks)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SpawnMillion)
    ->Name("runtime/spawn_million/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
