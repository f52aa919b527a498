// Joining, dropping and cancelling tasks from other threads than theirs.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_pool.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/semaphore.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

Task<int> GiveAfterTurns(int turns, int n) {
  for (int i = 0; i < turns; ++i) co_await Yield();
  co_return n;
}

TEST(SpawnStressTest, BlockingJoinGivesTheResultAndThrowsWhatEscaped) {
  Runtime runtime({.workers = 2});
  auto fail = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("broken");
  };

  EXPECT_EQ(*runtime.Spawn(GiveAfterTurns(3, 7)).BlockingJoin(), 7);
  EXPECT_THROW(static_cast<void>(runtime.Spawn(fail()).BlockingJoin()),
               std::runtime_error);
}

TEST(SpawnStressTest, ManyThreadsSpawnAndJoin) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 1000;
  Runtime runtime({.workers = 2});
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        sum += *runtime.Spawn(GiveAfterTurns(i % 3, i)).BlockingJoin();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(sum.load(), std::int64_t{kThreads} * kTasks * (kTasks - 1) / 2);
}

TEST(SpawnStressTest, HandlesAreDroppedWhileTheirTasksEnd) {
  constexpr int kTasks = 5000;
  auto counted = std::make_shared<int>(0);
  {
    Runtime runtime({.workers = 2});
    for (int i = 0; i < kTasks; ++i) {
      JoinHandle<int> dropped = runtime.Spawn([counted, i]() -> Task<int> {
        for (int turn = 0; turn < i % 4; ++turn) co_await Yield();
        co_return *counted;
      });
      if (i % 2 == 0) std::this_thread::yield();
    }
  }
  EXPECT_EQ(counted.use_count(), 1);
}

// The joiner is cancelled by a thread at about the time the task ends: it has
// the result, or it has not and somebody else gets it.
TEST(SpawnStressTest, AJoinIsCancelledWhileTheTaskEnds) {
  constexpr int kRounds = 2000;
  Runtime runtime({.workers = 2});
  auto join = [](JoinHandle<int>& from) -> Task<absl::StatusOr<int>> {
    co_return co_await from.Join();
  };
  int cancelled = 0;
  // Until it has happened, however slow this thread may be.
  for (int round = 0; round < kRounds || cancelled == 0; ++round) {
    JoinHandle<int> source = runtime.Spawn(GiveAfterTurns(round % 8, 7));
    JoinHandle<absl::StatusOr<int>> joiner = runtime.Spawn(join(source));
    if (round % 3 == 0) std::this_thread::yield();

    joiner.Cancel();
    absl::StatusOr<int> joined = joiner.BlockingJoin();

    if (joined.ok()) {
      EXPECT_EQ(*joined, 7);
    } else {
      EXPECT_TRUE(absl::IsCancelled(joined.status()));
      EXPECT_EQ(*source.BlockingJoin(), 7);
      ++cancelled;
    }
  }
}

TEST(SpawnStressTest, AThreadThatJoinsATornDownTaskIsToldSo) {
  auto stubborn = []() -> Task<absl::Status> {
    co_return co_await SleepFor(absl::InfiniteDuration());
  };
  auto shielded = [&]() -> Task<absl::Status> {
    co_return co_await Shield(stubborn());
  };
  std::optional<Runtime> runtime(
      Runtime({.workers = 2, .drain_timeout = absl::ZeroDuration()}));
  JoinHandle<absl::Status> task = runtime->Spawn(shielded());
  absl::Status joined;
  std::thread joiner([&] { joined = task.BlockingJoin(); });

  runtime.reset();
  joiner.join();

  EXPECT_TRUE(absl::IsCancelled(joined));
}

// What one thread allocates another one frees, always: what is free must find
// its way back. For a minute: WEFT_SOAK=20, or what this machine needs.
TEST(SpawnStressTest, TasksThatAlwaysEndElsewhereDoNotPileUp) {
  constexpr int kAtATime = 1000;
  const std::int64_t tasks = tests::Times(2'000'000);
  Runtime producing({.workers = 1});
  Runtime consuming({.workers = 1});
  sync::Semaphore room(kAtATime);
  absl::flat_hash_set<const void*> places;  // The consumer's.
  // Two turns long, so that its frame holds what `places` remembers.
  auto consume = [&]() -> Task<> {
    std::byte in_frame = {};
    co_await Yield();
    places.insert(&in_frame);
    places.insert(internal::Here().context);
    room.Release();
  };
  auto produce = [&]() -> Task<absl::Status> {
    for (std::int64_t i = 0; i < tasks; ++i) {
      sync::Semaphore::Permit permit = co_await OrReturn(room.Acquire());
      permit.Forget();
      consuming.Spawn(consume()).Detach();
    }
    sync::Semaphore::Permit all = co_await OrReturn(room.Acquire(kAtATime));
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(producing.BlockOn(produce()).ok());

  // Of both kinds: those that are alive, two caches and a batch on its way.
  EXPECT_LE(places.size(), 2 * (kAtATime + 6 * internal::kFrameBatch));
}

}  // namespace
}  // namespace weft
