// Tests of wakes from outside: a wake that arrives while a worker goes to
// sleep, or from another runtime, is not lost. A lost one hangs the test, and
// tests/run.py tells where every thread was.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/semaphore.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

using sync::Semaphore;

// Spins for up to some ten microseconds: about as long as a worker searches
// before it sleeps.
class UnevenPause {
 public:
  explicit UnevenPause(unsigned seed) : random_(seed) {}

  void operator()() {
    const unsigned rounds = random_() % 4096;
    for (unsigned i = 0; i < rounds; ++i) {
      // relaxed: no partner; it keeps the loop.
      ticks_.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  std::mt19937 random_;
  std::atomic<unsigned> ticks_ = 0;
};

class WakeTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Workers, WakeTest, ::testing::Values(1, 2, 4));

Task<absl::Status> Echo(Semaphore& ball, Semaphore& back, int times) {
  for (int i = 0; i < times; ++i) {
    sync::Semaphore::Permit permit = co_await OrReturn(ball.Acquire());
    permit.Forget();
    back.Release();
  }
  co_return absl::OkStatus();
}

// A plain thread and a task take turns. The thread cannot await, so it polls.
TEST_P(WakeTest, APlainThreadAndATaskTakeTurns) {
  constexpr int kTurns = 3000;
  Runtime runtime({.workers = GetParam()});
  Semaphore to_task(0);
  Semaphore to_thread(0);
  JoinHandle<absl::Status> task =
      runtime.Spawn(Echo(to_task, to_thread, kTurns));
  UnevenPause pause(1);

  for (int i = 0; i < kTurns; ++i) {
    pause();
    to_task.Release();
    for (;;) {
      sync::Semaphore::Permit permit = to_thread.TryAcquire();
      if (permit) {
        permit.Forget();
        break;
      }
      std::this_thread::yield();
    }
  }

  EXPECT_TRUE(task.BlockingJoin().ok());
}

// Between two bursts the workers fall asleep, or are about to. One wake that is
// lost leaves both sides waiting for ever: with one worker nothing else
// happens, and so nothing else wakes it.
TEST_P(WakeTest, EveryBurstOfPostsIsServedBeforeTheNextOne) {
  constexpr int kTasks = 64;
  // 16, 4 and one million; with more workers each takes longer.
  const std::int64_t posts =
      tests::Times(16'000'000 / (GetParam() * GetParam()));
  Runtime runtime({.workers = GetParam()});
  Semaphore semaphore(0);
  std::atomic<std::int64_t> served = 0;
  auto serve = [&]() -> Task<absl::Status> {
    for (;;) {
      sync::Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
      permit.Forget();
      ++served;
    }
  };
  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(runtime.Spawn(serve()));
  std::mt19937 random(1);
  UnevenPause pause(1);

  for (std::int64_t posted = 0; posted < posts;) {
    const int burst = 1 << (random() % 11);
    for (int i = 0; i < burst; ++i) semaphore.Release();
    posted += burst;
    while (served < posted) std::this_thread::yield();
    pause();
  }

  for (JoinHandle<absl::Status>& task : tasks) {
    task.Cancel();
    EXPECT_EQ(task.BlockingJoin(), CancelledError());
  }
}

TEST_P(WakeTest, TasksSpawnedOneByOneFromOutsideAllRun) {
  constexpr int kThreads = 2;
  constexpr int kTasks = 1000;
  Runtime runtime({.workers = GetParam()});
  auto add_one = [](int n) -> Task<int> { co_return n + 1; };
  std::atomic<int> right = 0;

  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        UnevenPause pause(thread);
        for (int i = 0; i < kTasks; ++i) {
          pause();
          right += *runtime.BlockOn(add_one(i)) == i + 1;
        }
      });
    }
  }

  EXPECT_EQ(right, kThreads * kTasks);
}

TEST_P(WakeTest, EveryPermitThatPlainThreadsReleaseReachesATask) {
  constexpr int kThreads = 3;
  constexpr int kPermits = 2000;
  constexpr int kTasks = 10;
  Runtime runtime({.workers = GetParam()});
  Semaphore semaphore(0);
  std::atomic<int> acquired = 0;
  auto acquire = [&](int times) -> Task<absl::Status> {
    for (int i = 0; i < times; ++i) {
      sync::Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
      permit.Forget();
      ++acquired;
    }
    co_return absl::OkStatus();
  };
  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(runtime.Spawn(acquire(kThreads * kPermits / kTasks)));
  }

  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&semaphore, thread] {
        UnevenPause pause(thread);
        for (int i = 0; i < kPermits; ++i) {
          if (i % 8 == 0) pause();
          semaphore.Release();
        }
      });
    }
  }

  for (JoinHandle<absl::Status>& task : tasks) {
    EXPECT_TRUE(task.BlockingJoin().ok());
  }
  EXPECT_EQ(acquired, kThreads * kPermits);
  EXPECT_EQ(semaphore.available(), 0);
}

TEST_P(WakeTest, TasksOfTwoRuntimesTakeTurns) {
  constexpr int kTurns = 2000;
  Runtime left({.workers = GetParam()});
  Runtime right({.workers = 1});
  Semaphore to_left(1);
  Semaphore to_right(0);

  JoinHandle<absl::Status> first = left.Spawn(Echo(to_left, to_right, kTurns));
  JoinHandle<absl::Status> second =
      right.Spawn(Echo(to_right, to_left, kTurns));

  EXPECT_TRUE(first.BlockingJoin().ok());
  EXPECT_TRUE(second.BlockingJoin().ok());
}

TEST_P(WakeTest, AChannelCarriesEverythingFromOneRuntimeToAnother) {
  constexpr int kItems = 5000;
  Runtime senders({.workers = GetParam()});
  Runtime receivers({.workers = 2});
  sync::Channel<int> channel(3);
  auto send = [&](int first, int step) -> Task<absl::Status> {
    for (int i = first; i < kItems; i += step) {
      co_await OrReturn(channel.Send(i));
    }
    co_return absl::OkStatus();
  };
  auto receive = [&]() -> Task<absl::StatusOr<long>> {
    long sum = 0;
    for (;;) {
      absl::StatusOr<int> item = co_await channel.Receive();
      if (absl::IsOutOfRange(item.status())) co_return sum;
      if (!item.ok()) co_return item.status();
      sum += *item;
    }
  };
  JoinHandle<absl::StatusOr<long>> one = receivers.Spawn(receive());
  JoinHandle<absl::StatusOr<long>> two = receivers.Spawn(receive());
  std::vector<JoinHandle<absl::Status>> sending;
  for (int i = 0; i < 4; ++i) sending.push_back(senders.Spawn(send(i, 4)));

  for (JoinHandle<absl::Status>& sender : sending) {
    EXPECT_TRUE(sender.BlockingJoin().ok());
  }
  channel.Close();

  const long sum = *one.BlockingJoin() + *two.BlockingJoin();
  EXPECT_EQ(sum, long{kItems} * (kItems - 1) / 2);
}

}  // namespace
}  // namespace weft
