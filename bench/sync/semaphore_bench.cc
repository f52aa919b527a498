// What do permits cost?
//
//     semaphore_free        one task takes a permit and gives it back
//     semaphore_contended8  eight share two permits, and each yields once while
//                           it has one: so nearly every acquire waits
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
#include "weft/sync/semaphore.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kAcquires = 400'000;
constexpr std::int64_t kTasks = 8;

Task<absl::Status> AcquireAlone() {
  sync::Semaphore semaphore(1);
  for (std::int64_t i = 0; i < kAcquires; ++i) {
    sync::Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AcquireAndYield(sync::Semaphore& semaphore) {
  for (std::int64_t i = 0; i < kAcquires / kTasks; ++i) {
    sync::Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AcquireBesideEachOther() {
  sync::Semaphore semaphore(2);
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    handles.push_back(Spawn(AcquireAndYield, std::ref(semaphore)));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

void SemaphoreFree(benchmark::State& state) {
  Measure(state, kAcquires, AcquireAlone);
}
BENCHMARK(SemaphoreFree)
    ->Name("sync/semaphore_free/weft")
    ->Apply(OnOneAndTwoWorkers);

void SemaphoreContended(benchmark::State& state) {
  Measure(state, kAcquires, AcquireBesideEachOther);
}
BENCHMARK(SemaphoreContended)
    ->Name("sync/semaphore_contended8/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
