// What does it cost to wait for all the others?
//
//     barrier8  eight tasks meet, again and again; for each arrival
//     latch8    eight count down one latch that a ninth waits for; for each
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/barrier.h"
#include "weft/sync/latch.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kParties = 8;
constexpr std::int64_t kPhases = 50'000;

Task<absl::Status> Arrive(sync::Barrier& barrier) {
  for (std::int64_t i = 0; i < kPhases; ++i) {
    co_await OrReturn(barrier.ArriveAndWait());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Meet() {
  sync::Barrier barrier(kParties);
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < kParties; ++i) {
    handles.push_back(Spawn(Arrive, std::ref(barrier)));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

using Latches = std::vector<std::unique_ptr<sync::Latch>>;

Task<absl::Status> CountDownAll(Latches& latches) {
  for (auto& latch : latches) {
    latch->CountDown();
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WaitForAll() {
  Latches latches;
  for (std::int64_t i = 0; i < kPhases; ++i) {
    latches.push_back(std::make_unique<sync::Latch>(kParties));
  }
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < kParties; ++i) {
    handles.push_back(Spawn(CountDownAll, std::ref(latches)));
  }
  for (auto& latch : latches) co_await OrReturn(latch->Wait());
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

void BarrierMeets(benchmark::State& state) {
  Measure(state, kParties * kPhases, Meet);
}
BENCHMARK(BarrierMeets)->Name("sync/barrier8/weft")->Apply(OnOneAndTwoWorkers);

void LatchOpens(benchmark::State& state) {
  Measure(state, kParties * kPhases, WaitForAll);
}
BENCHMARK(LatchOpens)->Name("sync/latch8/weft")->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
