// What does a switch cost without a runtime?
//
//     resume              a call through a coroutine handle
//     symmetric_transfer  a jump from one coroutine to another
//     ucontext_switch     swapcontext, which saves a signal mask: system calls
//     epoll_wake          a thread wakes one that sleeps in epoll_wait
//     thread_switch_futex the same, on a futex
//
// The tour prints the same functions as a table (switches.h). The last three
// are only on Linux.
//
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/switches/switches.h"

namespace weft::bench {
namespace {

// As they are called in the table of the tour; the others are questions of
// their own here.
constexpr std::pair<std::string_view, std::string_view> kFloors[] = {
    {"raw coroutine resume", "resume"},
    {"symmetric transfer", "symmetric_transfer"},
    {"ucontext switch", "ucontext_switch"},
    {"epoll wake of a thread", "epoll_wake"},
    {"futex wake of a thread", "thread_switch_futex"},
};

// Some are a thousand times dearer than others, so the size of a batch follows.
void RunSwitch(benchmark::State& state, Switch to_run) {
  constexpr std::chrono::milliseconds kLongEnough{5};
  std::int64_t batch = 100;
  while (to_run.run(batch) < kLongEnough) batch *= 2;
  while (state.KeepRunningBatch(batch)) {
    const std::chrono::duration<double> elapsed = to_run.run(batch);
    state.SetIterationTime(elapsed.count());
  }
  state.SetItemsProcessed(state.iterations());
}

bool RegisterFloors() {
  for (const Switch& each : AllSwitches()) {
    for (const auto& [row, question] : kFloors) {
      if (each.name != row) continue;
      const std::string name = "runtime/" + std::string(question) + "/floor";
      benchmark::RegisterBenchmark(name.c_str(), RunSwitch, each)
          ->MeasureProcessCPUTime()
          ->UseManualTime();
    }
  }
  return true;
}

[[maybe_unused]] const bool registered = RegisterFloors();

}  // namespace
}  // namespace weft::bench
