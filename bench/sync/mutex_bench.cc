// What does a lock cost that suspends the task and not the thread?
//
//     mutex_free        one task locks and unlocks; nobody else wants it
//     mutex_contended8  eight do, and each yields once while it holds the lock:
//                       the others ask for it meanwhile, on one worker too. So
//                       every lock is handed over, and costs a switch
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/mutex.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kLocks = 800'000;
constexpr std::int64_t kTasks = 8;

Task<absl::Status> LockOften(sync::Mutex& mutex, std::int64_t& counter,
                             std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    sync::Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    ++counter;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LockAndYield(sync::Mutex& mutex, std::int64_t& counter,
                                std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    sync::Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_await Yield();
    ++counter;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> LockAlone() {
  sync::Mutex mutex;
  std::int64_t counter = 0;
  co_await OrReturn(LockOften(mutex, counter, kLocks));
  ABSL_RAW_CHECK(counter == kLocks, "a lock was not counted");
  co_return absl::OkStatus();
}

Task<absl::Status> LockBesideEachOther() {
  sync::Mutex mutex;
  std::int64_t counter = 0;
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    handles.push_back(Spawn(LockAndYield, std::ref(mutex), std::ref(counter),
                            kLocks / kTasks));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  ABSL_RAW_CHECK(counter == kLocks, "a mutex let two in");
  co_return absl::OkStatus();
}

void Free(benchmark::State& state) { Measure(state, kLocks, LockAlone); }
BENCHMARK(Free)->Name("sync/mutex_free/weft")->Apply(OnOneAndTwoWorkers);

void Contended(benchmark::State& state) {
  Measure(state, kLocks, LockBesideEachOther);
}
BENCHMARK(Contended)
    ->Name("sync/mutex_contended8/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
