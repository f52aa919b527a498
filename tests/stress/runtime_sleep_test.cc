// Tests of sleeps by the real clock: how long they last at least. How late they
// end is a benchmark's question (timer_late_p99).
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

TEST(SleepStressTest, AMillionSleepsEndNeverEarly) {
  constexpr int kTasks = 1000;
  const std::int64_t sleeps = tests::Times(1'000'000) / kTasks;
  Runtime runtime({.workers = 2});
  std::atomic<int> early = 0;
  auto sleep_often = [&](unsigned seed) -> Task<absl::Status> {
    std::mt19937 random(seed);
    for (std::int64_t i = 0; i < sleeps; ++i) {
      const absl::Duration pause = absl::Nanoseconds(random() % 4'000'000);
      const Instant due = Now() + pause;
      if (i % 2 == 0) {
        co_await OrReturn(SleepFor(pause));
      } else {
        co_await OrReturn(SleepUntil(due));
      }
      early += Now() < due;
    }
    co_return absl::OkStatus();
  };
  std::vector<JoinHandle<absl::Status>> tasks;

  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(runtime.Spawn(sleep_often(i)));
  }

  for (JoinHandle<absl::Status>& task : tasks) {
    EXPECT_EQ(task.BlockingJoin(), absl::OkStatus());
  }
  EXPECT_EQ(early, 0);
}

}  // namespace
}  // namespace weft
