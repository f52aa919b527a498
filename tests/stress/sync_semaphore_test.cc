// Semaphore on real threads: requests of several sizes, some cancelled, from
// two runtimes and a plain thread, and no permit too many or too few.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/semaphore.h"

namespace weft::sync {
namespace {

constexpr int kTasks = 16;
constexpr int kVisits = 300;
constexpr std::int64_t kPermits = 4;

struct Room {
  Semaphore semaphore{kPermits};
  // What is held at the moment. relaxed: only the number counts.
  std::atomic<std::int64_t> inside{0};
};

Task<int> Visit(Room& room, int seed) {
  std::minstd_rand random(seed);
  int visits = 0;
  while (visits < kVisits) {
    const std::int64_t count = 1 + static_cast<int>(random() % kPermits);
    absl::StatusOr<Semaphore::Permit> permit =
        co_await room.semaphore.Acquire(count);
    if (!permit.ok()) break;
    const std::int64_t before =
        room.inside.fetch_add(count, std::memory_order_relaxed);
    EXPECT_LE(before + count, kPermits);
    if (random() % 4 == 0) co_await Yield();
    room.inside.fetch_sub(count, std::memory_order_relaxed);
    ++visits;
  }
  co_return visits;
}

class SyncSemaphoreStressTest : public ::testing::TestWithParam<int> {
 protected:
  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncSemaphoreStressTest,
                         ::testing::Values(1, 2, 4));

TEST_P(SyncSemaphoreStressTest, NeverMoreAreInThanThereArePermits) {
  Room room;
  std::vector<JoinHandle<int>> visitors;
  for (int i = 0; i < kTasks; ++i) {
    visitors.push_back(runtime_.Spawn(Visit(room, i + 1)));
  }

  for (auto& visitor : visitors) EXPECT_EQ(*visitor.BlockingJoin(), kVisits);

  EXPECT_EQ(room.semaphore.available(), kPermits);
}

TEST_P(SyncSemaphoreStressTest, CancelledRequestsLoseNoPermit) {
  for (int round = 0; round < 10; ++round) {
    Room room;
    std::vector<JoinHandle<int>> visitors;
    for (int i = 0; i < kTasks; ++i) {
      visitors.push_back(runtime_.Spawn(Visit(room, round * kTasks + i + 1)));
    }

    for (int i = 0; i < kTasks - 1; ++i) {
      visitors[i].Cancel();
      std::this_thread::yield();
    }

    for (auto& visitor : visitors) {
      EXPECT_LE(*visitor.BlockingJoin(), kVisits);
    }
    EXPECT_EQ(room.semaphore.available(), kPermits);
  }
}

TEST_P(SyncSemaphoreStressTest, TasksOfTwoRuntimesAndAPlainThreadShareIt) {
  Runtime other({.workers = GetParam()});
  Room room;
  std::vector<JoinHandle<int>> visitors;
  for (int i = 0; i < kTasks; ++i) {
    Runtime& runtime = i % 2 == 0 ? runtime_ : other;
    visitors.push_back(runtime.Spawn(Visit(room, i + 1)));
  }

  while (!std::all_of(visitors.begin(), visitors.end(),
                      [](auto& visitor) { return visitor.finished(); })) {
    if (Semaphore::Permit permit = room.semaphore.TryAcquire()) {
      const std::int64_t before =
          room.inside.fetch_add(1, std::memory_order_relaxed);
      EXPECT_LT(before, kPermits);
      room.inside.fetch_sub(1, std::memory_order_relaxed);
    }
    std::this_thread::yield();
  }

  for (auto& visitor : visitors) EXPECT_EQ(*visitor.BlockingJoin(), kVisits);
  EXPECT_EQ(room.semaphore.available(), kPermits);
}

}  // namespace
}  // namespace weft::sync
