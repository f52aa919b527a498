// Two tasks that wake each other, again and again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_ROUND_TRIP_H_
#define WEFT_BENCH_RUNTIME_ROUND_TRIP_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "weft/bench/runtime/baton.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft::bench {

inline constexpr std::int64_t kRoundTrips = 500'000;

inline Task<> Answer(Baton& mine, Baton& theirs, std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    co_await mine.Take();
    theirs.Pass();
  }
}

inline Task<absl::Status> WakeEachOther(std::int64_t times) {
  Baton ping;
  Baton pong;
  JoinHandle<void> other = Spawn(Answer, std::ref(ping), std::ref(pong), times);
  for (std::int64_t i = 0; i < times; ++i) {
    ping.Pass();
    co_await pong.Take();
  }
  co_return co_await other.Join();
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_ROUND_TRIP_H_
