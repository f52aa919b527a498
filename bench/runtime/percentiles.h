// Percentiles: what a few out of many had to wait.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_PERCENTILES_H_
#define WEFT_BENCH_RUNTIME_PERCENTILES_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"

namespace weft::bench {

class Percentiles {
 public:
  void Add(absl::Duration one) { all_.push_back(one); }

  // Makes the row: its time is the 99th percentile, its counters the others in
  // milliseconds, and how many there were.
  void Report(benchmark::State& state) {
    ABSL_RAW_CHECK(!all_.empty(), "nobody waited for anything");
    std::sort(all_.begin(), all_.end());
    state.SetIterationTime(absl::ToDoubleSeconds(At(0.99)));
    state.counters["p50_ms"] = absl::ToDoubleMilliseconds(At(0.5));
    state.counters["p99_ms"] = absl::ToDoubleMilliseconds(At(0.99));
    state.counters["max_ms"] = absl::ToDoubleMilliseconds(all_.back());
    state.counters["count"] = static_cast<double>(all_.size());
  }

 private:
  absl::Duration At(double share) const {
    const auto last = static_cast<double>(all_.size() - 1);
    return all_[static_cast<std::size_t>(share * last)];
  }

  std::vector<absl::Duration> all_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_PERCENTILES_H_
