// What the questions of bench/ count, for peers that are written in C++: the
// sizes are those of bench/runtime/ and bench/sync/, so that a row here stands
// beside a row there.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_PEERS_QUESTIONS_H_
#define WEFT_BENCH_PEERS_QUESTIONS_H_

#include <malloc.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "benchmark/benchmark.h"

namespace weft::bench {

// --- How a row is measured --------------------------------------------------

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

inline void Must(bool is_so, const char* or_else) {
  if (is_so) return;
  std::fprintf(stderr, "%s\n", or_else);
  std::abort();
}

using Row = benchmark::internal::Benchmark;

// Real time, and beside it the processor time of the whole process.
inline void Plainly(Row* row) { row->MeasureProcessCPUTime()->UseRealTime(); }

// The same by a clock of the benchmark's own, which leaves out what prepares.
inline void ByHand(Row* row) { row->MeasureProcessCPUTime()->UseManualTime(); }

// With one worker, then with two.
inline void OnWorkers(Row* row) { Plainly(row->Arg(1)->Arg(2)); }

// An iteration of these takes a second or more.
inline void OnWorkersForLong(Row* row) {
  OnWorkers(row->Unit(benchmark::kMillisecond));
}

// What malloc has handed out, its own headers included.
inline double BytesInUse() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// --- runtime/ ---------------------------------------------------------------

inline constexpr int kFibNumber = 37;
inline constexpr std::int64_t kFibResult = 24'157'817;
inline constexpr std::int64_t kFibCalls = 78'176'337;

inline constexpr std::int64_t kSkynetLeaves = 100'000'000;
inline constexpr std::int64_t kSkynetTasks = 111'111'111;
inline constexpr std::int64_t kSkynetSum =
    kSkynetLeaves * (kSkynetLeaves - 1) / 2;

inline constexpr std::int64_t kAwaits = 1'000'000;
inline constexpr std::int64_t kRoundTrips = 500'000;
inline constexpr std::int64_t kSpawns = 1'000'000;
inline constexpr std::int64_t kTimers = 1'000'000;
inline constexpr std::int64_t kTurns = 1'000'000;
inline constexpr int kWakes = 2000;

// When timer number `index` of kTimers fires: in a minute, or an hour later.
inline std::chrono::milliseconds TimerDelay(std::int64_t index) {
  constexpr std::chrono::milliseconds kShortest = std::chrono::minutes(1);
  constexpr std::chrono::milliseconds kSpread = std::chrono::hours(1);
  return kShortest + kSpread * index / kTimers;
}

// Long enough for a loop to give up looking for work and to fall asleep.
inline void LetTheLoopSleep() {
  const auto until = Clock::now() + std::chrono::microseconds(500);
  while (Clock::now() < until) {
  }
}

// Looks until the answer has come, and lets others run in between: the system
// may have put who answers on this very processor, where a loop that only looks
// would keep it waiting for a time slice, which is milliseconds.
inline void AwaitAnswer(const std::atomic<std::int64_t>& answered,
                        std::int64_t before) {
  // acquire: pairs with the release of who answers.
  while (answered.load(std::memory_order_acquire) == before) {
    std::this_thread::yield();
  }
}

// --- sync/ ------------------------------------------------------------------

inline constexpr std::int64_t kLocks = 800'000;
inline constexpr std::int64_t kMessages = 400'000;
inline constexpr int kCapacity = 1024;

}  // namespace weft::bench

#endif  // WEFT_BENCH_PEERS_QUESTIONS_H_
