// Mutex on real threads: a plain counter behind a lock that many tasks, some of
// them cancelled, and threads of no runtime fight for.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/mutex.h"

namespace weft::sync {
namespace {

constexpr int kTasks = 16;
constexpr int kVisits = 500;

// What the lock guards, and no atomic does.
struct Guarded {
  Mutex mutex;
  int visits = 0;
  bool occupied = false;
};

// Comes kVisits times, or until it is cancelled; says how often it was in.
Task<int> Visit(Guarded& guarded, int seed) {
  std::minstd_rand random(seed);
  int visits = 0;
  while (visits < kVisits) {
    absl::StatusOr<Mutex::Guard> guard = co_await guarded.mutex.Lock();
    if (!guard.ok()) break;
    EXPECT_FALSE(std::exchange(guarded.occupied, true));
    ++guarded.visits;
    ++visits;
    // Sometimes the lock is held while others run.
    if (random() % 8 == 0) co_await Yield();
    guarded.occupied = false;
  }
  co_return visits;
}

class SyncMutexStressTest : public ::testing::TestWithParam<int> {
 protected:
  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncMutexStressTest,
                         ::testing::Values(1, 2, 4));

TEST_P(SyncMutexStressTest, NoVisitIsLost) {
  Guarded guarded;
  std::vector<JoinHandle<int>> visitors;
  for (int i = 0; i < kTasks; ++i) {
    visitors.push_back(runtime_.Spawn(Visit(guarded, i + 1)));
  }

  for (auto& visitor : visitors) EXPECT_EQ(*visitor.BlockingJoin(), kVisits);

  EXPECT_EQ(guarded.visits, kTasks * kVisits);
  EXPECT_TRUE(guarded.mutex.TryLock());
}

TEST_P(SyncMutexStressTest, CancelledVisitorsLeaveTheLockToTheOthers) {
  Guarded guarded;
  std::vector<JoinHandle<int>> visitors;
  for (int i = 0; i < kTasks; ++i) {
    visitors.push_back(runtime_.Spawn(Visit(guarded, i + 1)));
  }

  // From outside, while they fight: every other one.
  for (int i = 0; i < kTasks; i += 2) {
    visitors[i].Cancel();
    std::this_thread::yield();
  }

  int visits = 0;
  for (int i = 0; i < kTasks; ++i) {
    const int of_one = *visitors[i].BlockingJoin();
    if (i % 2 != 0) {
      EXPECT_EQ(of_one, kVisits);
    }
    visits += of_one;
  }
  EXPECT_EQ(guarded.visits, visits);
  EXPECT_TRUE(guarded.mutex.TryLock());
}

TEST_P(SyncMutexStressTest, TasksOfTwoRuntimesAndAPlainThreadShareALock) {
  Runtime other({.workers = GetParam()});
  Guarded guarded;
  std::vector<JoinHandle<int>> visitors;
  for (int i = 0; i < kTasks; ++i) {
    Runtime& runtime = i % 2 == 0 ? runtime_ : other;
    visitors.push_back(runtime.Spawn(Visit(guarded, i + 1)));
  }

  // Never waits, so it gets in only where nobody does.
  int own_visits = 0;
  while (!std::all_of(visitors.begin(), visitors.end(),
                      [](auto& visitor) { return visitor.finished(); })) {
    if (Mutex::Guard guard = guarded.mutex.TryLock()) {
      EXPECT_FALSE(guarded.occupied);
      ++guarded.visits;
      ++own_visits;
    }
    std::this_thread::yield();
  }

  for (auto& visitor : visitors) EXPECT_EQ(*visitor.BlockingJoin(), kVisits);
  EXPECT_EQ(guarded.visits, kTasks * kVisits + own_visits);
}

}  // namespace
}  // namespace weft::sync
