// How every benchmark of sync runs its question: a task of so many operations,
// again and again, on as many workers as Arg 0 says.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_SYNC_MEASURE_H_
#define WEFT_BENCH_SYNC_MEASURE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"

namespace weft::bench {

// `make()` gives a Task<absl::Status> of `operations`.
template <typename Make>
void Measure(benchmark::State& state, std::int64_t operations, Make make) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(operations)) {
    MustBeOk(runtime.BlockOn(make()));
  }
  state.SetItemsProcessed(state.iterations());
}

// On one worker and on two.
inline void OnOneAndTwoWorkers(benchmark::internal::Benchmark* question) {
  question->Arg(1)->Arg(2)->MeasureProcessCPUTime()->UseRealTime();
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_SYNC_MEASURE_H_
