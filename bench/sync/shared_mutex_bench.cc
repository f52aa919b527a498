// What do readers pay that need not keep each other out?
//
//     shared_mutex_free      one task reads, and nobody else is there
//     shared_mutex_readers8  eight read at a time, and each yields once while
//                            it is inside: nobody waits
//     shared_mutex_mixed8    one of the eight writes: it waits for seven, and
//                            they for it
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/shared_mutex.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kVisits = 400'000;
constexpr std::int64_t kTasks = 8;

Task<absl::Status> ReadAlone() {
  sync::SharedMutex mutex;
  for (std::int64_t i = 0; i < kVisits; ++i) {
    sync::SharedMutex::SharedGuard guard =
        co_await OrReturn(mutex.LockShared());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Read(sync::SharedMutex& mutex) {
  for (std::int64_t i = 0; i < kVisits / kTasks; ++i) {
    sync::SharedMutex::SharedGuard guard =
        co_await OrReturn(mutex.LockShared());
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Write(sync::SharedMutex& mutex) {
  for (std::int64_t i = 0; i < kVisits / kTasks; ++i) {
    sync::SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Visit(int writers) {
  sync::SharedMutex mutex;
  std::vector<JoinHandle<absl::Status>> handles;
  for (int i = 0; i < kTasks; ++i) {
    handles.push_back(i < writers ? Spawn(Write, std::ref(mutex))
                                  : Spawn(Read, std::ref(mutex)));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

void SharedMutexFree(benchmark::State& state) {
  Measure(state, kVisits, ReadAlone);
}
BENCHMARK(SharedMutexFree)
    ->Name("sync/shared_mutex_free/weft")
    ->Apply(OnOneAndTwoWorkers);

void SharedMutexReaders(benchmark::State& state) {
  Measure(state, kVisits, [] { return Visit(0); });
}
BENCHMARK(SharedMutexReaders)
    ->Name("sync/shared_mutex_readers8/weft")
    ->Apply(OnOneAndTwoWorkers);

void SharedMutexMixed(benchmark::State& state) {
  Measure(state, kVisits, [] { return Visit(1); });
}
BENCHMARK(SharedMutexMixed)
    ->Name("sync/shared_mutex_mixed8/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
