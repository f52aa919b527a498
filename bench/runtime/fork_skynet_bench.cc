// What do a hundred million tasks cost, ten at a time (skynet.h)?
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/skynet.h"
#include "weft/runtime/runtime.h"

namespace weft::bench {
namespace {

void WeftSkynet(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) MustBeOk(runtime.BlockOn(WholeSkynet()));
  state.SetItemsProcessed(state.iterations() * kSkynetTasks);
}
BENCHMARK(WeftSkynet)
    ->Name("runtime/fork_skynet/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
