// Where tasks of several workers meet: barriers, latches, readers and writers,
// and conditions.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/barrier.h"
#include "weft/sync/condition_variable.h"
#include "weft/sync/latch.h"
#include "weft/sync/mutex.h"
#include "weft/sync/shared_mutex.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

constexpr int kTasks = 8;

// Runs `make(name)` eight times beside each other; all must succeed.
template <typename Make>
void RunBesideEachOther(Make make) {
  Runtime runtime({.workers = 4});
  std::vector<JoinHandle<absl::Status>> tasks;
  for (int name = 0; name < kTasks; ++name) {
    tasks.push_back(runtime.Spawn(make(name)));
  }
  for (auto& task : tasks) EXPECT_EQ(task.BlockingJoin(), absl::OkStatus());
}

TEST(SyncMeetingStressTest, ABarrierKeepsAllInStep) {
  const std::int64_t phases = tests::Times(2'000);
  // Plain: written by one party between its phases, read by the completion.
  std::vector<std::int64_t> rounds(kTasks);
  std::int64_t completed = 0;
  Barrier barrier(kTasks, [&] {
    ++completed;
    for (const std::int64_t each : rounds) EXPECT_EQ(each, completed);
  });
  auto meet = [&](int name) -> Task<absl::Status> {
    for (std::int64_t i = 0; i < phases; ++i) {
      ++rounds[name];
      co_await OrReturn(barrier.ArriveAndWait());
    }
    co_return absl::OkStatus();
  };

  RunBesideEachOther(meet);

  EXPECT_EQ(completed, phases);
}

// The waiter destroys the latch as soon as it is open, while the last CountDown
// may still be returning.
TEST(SyncMeetingStressTest, ALatchMayDieWithTheWaitForIt) {
  Runtime runtime({.workers = 4});
  auto count = [](Latch& latch) -> Task<> {
    latch.CountDown();
    co_return;
  };
  auto wait = [&]() -> Task<absl::Status> {
    auto latch = std::make_unique<Latch>(3);
    for (int i = 0; i < 3; ++i) Spawn(count, std::ref(*latch)).Detach();
    co_return co_await latch->Wait();
  };

  const std::int64_t rounds = tests::Times(5'000);
  for (std::int64_t i = 0; i < rounds; ++i) {
    ASSERT_EQ(runtime.BlockOn(wait()), absl::OkStatus());
  }
}

TEST(SyncMeetingStressTest, WritersAreAloneAndReadersSeeWhatTheyWrote) {
  const std::int64_t visits = tests::Times(2'000);
  SharedMutex mutex;
  // Plain: guarded by the mutex.
  std::int64_t first = 0;
  std::int64_t second = 0;
  auto visit = [&](int name) -> Task<absl::Status> {
    for (std::int64_t i = 0; i < visits; ++i) {
      if (name < 2) {
        SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
        ++first;
        if (i % 8 == 0) co_await Yield();
        ++second;
      } else {
        SharedMutex::SharedGuard guard = co_await OrReturn(mutex.LockShared());
        if (first != second) co_return absl::InternalError("half written");
        if (i % 8 == 0) co_await Yield();
      }
    }
    co_return absl::OkStatus();
  };

  RunBesideEachOther(visit);

  EXPECT_EQ(first, 2 * visits);
}

TEST(SyncMeetingStressTest, AConditionLosesNoJob) {
  const std::int64_t jobs_each = tests::Times(2'000);
  Mutex mutex;
  ConditionVariable changed;
  std::int64_t waiting = 0;  // Guarded by mutex, as the next.
  std::int64_t done = 0;
  auto work = [&](int name) -> Task<absl::Status> {
    for (std::int64_t i = 0; i < jobs_each; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      if (name % 2 == 0) {
        ++waiting;
        changed.NotifyOne();
      } else {
        auto any = [&waiting] { return waiting > 0; };
        co_await OrReturn(changed.Wait(guard, any));
        --waiting;
        ++done;
      }
    }
    co_return absl::OkStatus();
  };

  RunBesideEachOther(work);

  EXPECT_EQ(waiting, 0);
  EXPECT_EQ(done, jobs_each * kTasks / 2);
}

}  // namespace
}  // namespace weft::sync
