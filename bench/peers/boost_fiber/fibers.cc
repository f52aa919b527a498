// Fibers that yield, begin and end, and wait.
//
// SPDX-License-Identifier: MIT

#include <boost/fiber/all.hpp>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/boost_fiber/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

// --- yield ------------------------------------------------------------------

void YieldToEachOther(std::int64_t tasks) {
  std::vector<boost::fibers::fiber> fibers;
  for (std::int64_t i = 0; i < tasks; ++i) {
    fibers.push_back(Spawn([turns = kTurns / tasks] {
      for (std::int64_t i = 0; i < turns; ++i) boost::this_fiber::yield();
    }));
  }
  JoinAll(fibers);
}

void Yields(benchmark::State& state) {
  while (state.KeepRunningBatch(kTurns)) {
    RunOn(state.range(0), [&state] { YieldToEachOther(state.range(1)); });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Yields)
    ->Name("runtime/yield/boost_fiber")
    ->ArgsProduct({{1, 2}, {1, 2, 100}})
    ->Apply(Plainly);

// --- spawn_join -------------------------------------------------------------

void OneAfterTheOther() {
  for (std::int64_t i = 0; i < kSpawns; ++i) Spawn([] {}).join();
}

void SpawnJoin(benchmark::State& state) {
  while (state.KeepRunningBatch(kSpawns)) {
    RunOn(state.range(0), OneAfterTheOther);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(SpawnJoin)->Name("runtime/spawn_join/boost_fiber")->Apply(OnWorkers);

// --- bytes_per_suspended_task -----------------------------------------------

// Not a million, which would be gigabytes; one costs what another does.
void SuspendedTask(benchmark::State& state) {
  constexpr std::int64_t kFibers = 50'000;
  double bytes = 0;
  while (state.KeepRunningBatch(kFibers)) {
    boost::fibers::buffered_channel<bool> over(2);
    std::vector<boost::fibers::fiber> fibers;
    fibers.reserve(kFibers);
    const double before = BytesInUse();
    for (std::int64_t i = 0; i < kFibers; ++i) {
      fibers.push_back(Spawn([&over] {
        bool nothing = false;
        over.pop(nothing);
      }));
    }
    // One thread that takes turns: when we run again, all of them wait.
    boost::this_fiber::yield();
    bytes = (BytesInUse() - before) / kFibers;
    over.close();
    JoinAll(fibers);
  }
  state.counters["bytes"] = bytes;
}
BENCHMARK(SuspendedTask)
    ->Name("runtime/bytes_per_suspended_task/boost_fiber")
    ->Iterations(1)
    ->Apply(Plainly);

}  // namespace
}  // namespace weft::bench
