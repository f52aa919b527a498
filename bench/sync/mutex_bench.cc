// What does a lock cost that suspends the task and not the thread?
//
// Arg 0: workers.
//
//     mutex_free        one task locks and unlocks; nobody else wants it
//     mutex_contended8  eight tasks do so all the time; on one worker they take
//                       turns when their budget of 128 is spent
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/mutex.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kLocks = 800'000;

Task<absl::Status> LockOften(sync::Mutex& mutex, std::int64_t& counter,
                             std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    sync::Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    ++counter;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LockBeside(std::int64_t tasks) {
  sync::Mutex mutex;
  std::int64_t counter = 0;
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < tasks; ++i) {
    handles.push_back(
        Spawn(LockOften, std::ref(mutex), std::ref(counter), kLocks / tasks));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  ABSL_RAW_CHECK(counter == kLocks, "a mutex let two in");
  co_return absl::OkStatus();
}

template <std::int64_t kTasks>
void LockMutex(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kLocks)) {
    MustBeOk(runtime.BlockOn(LockBeside(kTasks)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(LockMutex<1>)
    ->Name("sync/mutex_free/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(LockMutex<8>)
    ->Name("sync/mutex_contended8/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
