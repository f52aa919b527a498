// What does the door to the kernel cost?
//
//     poller_wait        to look for events and find none: one system call
//     poller_wake        a wake, and the wait that it ends: two system calls
//                        and the read that empties the bell
//     poller_add_remove  a descriptor registered and taken out again: what
//                        registering once a connection saves on each wait
//
// All on one thread: nobody sleeps.
//
// SPDX-License-Identifier: MIT

#include <unistd.h>

#include <array>
#include <cstdint>

#include "absl/base/internal/raw_logging.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "weft/reactor/poller.h"

namespace weft::reactor {
namespace {

constexpr std::int64_t kBatch = 10'000;

Poller MakePoller() {
  absl::StatusOr<Poller> poller = Poller::Create();
  ABSL_RAW_CHECK(poller.ok(), "no poller");
  return *std::move(poller);
}

void Look(Poller& poller) {
  std::array<Event, 16> buffer;
  ABSL_RAW_CHECK(poller.Wait(buffer, absl::ZeroDuration()).ok(),
                 "the poller failed");
}

void WaitForNothing(benchmark::State& state) {
  Poller poller = MakePoller();
  while (state.KeepRunningBatch(kBatch)) {
    for (std::int64_t i = 0; i < kBatch; ++i) Look(poller);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WaitForNothing)
    ->Name("reactor/poller_wait/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void WakeAndWait(benchmark::State& state) {
  Poller poller = MakePoller();
  while (state.KeepRunningBatch(kBatch)) {
    for (std::int64_t i = 0; i < kBatch; ++i) {
      poller.Wake();
      Look(poller);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WakeAndWait)
    ->Name("reactor/poller_wake/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void AddAndRemove(benchmark::State& state) {
  Poller poller = MakePoller();
  std::array<int, 2> ends;
  ABSL_RAW_CHECK(::pipe(ends.data()) == 0, "no pipe");
  while (state.KeepRunningBatch(kBatch)) {
    for (std::int64_t i = 0; i < kBatch; ++i) {
      ABSL_RAW_CHECK(poller.Add(ends[0], Token{1}).ok(), "no place");
      ABSL_RAW_CHECK(poller.Remove(ends[0]).ok(), "not there");
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AddAndRemove)
    ->Name("reactor/poller_add_remove/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::reactor
