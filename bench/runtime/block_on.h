// What the benchmarks of tasks have in common: a batch that is joined, and what
// becomes of one that fails.
//
// A benchmark makes its Runtime once, and each round is one BlockOn of a batch
// so large (a hundred thousand operations and more) that entering and leaving
// the runtime does not show. Nothing is subtracted.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_BLOCK_ON_H_
#define WEFT_BENCH_RUNTIME_BLOCK_ON_H_

#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft::bench {

// What a benchmark begins does not fail; when it does, there is no number.
inline void MustBeOk(const absl::Status& status) {
  ABSL_RAW_CHECK(status.ok(), "a benchmark failed");
}

inline Task<absl::Status> JoinAll(std::vector<JoinHandle<void>> handles) {
  for (JoinHandle<void>& handle : handles) {
    co_await OrReturn(handle.Join());
  }
  co_return absl::OkStatus();
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_BLOCK_ON_H_
