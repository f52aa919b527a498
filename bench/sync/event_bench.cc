// What does it cost to wait for what has happened, and to tell many?
//
//     event_is_set    a wait for an event that is set already
//     event_wake_all  a thousand tasks wait, and one Set wakes them; for each
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
#include "weft/sync/event.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kWaits = 1'000'000;
constexpr std::int64_t kWaiters = 1'000;
constexpr std::int64_t kRounds = 100;

Task<absl::Status> WaitForWhatIsSet() {
  sync::Event event;
  event.Set();
  for (std::int64_t i = 0; i < kWaits; ++i) co_await OrReturn(event.Wait());
  co_return absl::OkStatus();
}

Task<absl::Status> WaitAgain(std::vector<sync::Event>& rounds) {
  for (sync::Event& round : rounds) co_await OrReturn(round.Wait());
  co_return absl::OkStatus();
}

// A task spawned first runs first: with one worker all wait when we have
// yielded once. With two some may not have come yet, and find the event set.
Task<absl::Status> WakeAll() {
  std::vector<sync::Event> rounds(kRounds);
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < kWaiters; ++i) {
    handles.push_back(Spawn(WaitAgain, std::ref(rounds)));
  }
  for (sync::Event& round : rounds) {
    co_await Yield();
    round.Set();
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

void EventIsSet(benchmark::State& state) {
  Measure(state, kWaits, WaitForWhatIsSet);
}
BENCHMARK(EventIsSet)
    ->Name("sync/event_is_set/weft")
    ->Apply(OnOneAndTwoWorkers);

void EventWakeAll(benchmark::State& state) {
  Measure(state, kWaiters * kRounds, WakeAll);
}
BENCHMARK(EventWakeAll)
    ->Name("sync/event_wake_all/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
