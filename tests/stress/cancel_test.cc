// Tests of cancellation that meets a wake, in both orders, on real threads;
// with a third one that looks on, as a dump does.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/sync/semaphore.h"

namespace weft {
namespace {

constexpr int kRounds = 30;
constexpr int kTasks = 50;

// Looks at the waits of tasks until it is destroyed. The tasks' handles outlive
// it, and with them the contexts.
class Onlooker {
 public:
  explicit Onlooker(std::vector<std::atomic<TaskContext*>>& contexts)
      : thread_([this, &contexts](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            for (std::atomic<TaskContext*>& each : contexts) {
              TaskContext* const context = each.load();
              if (context == nullptr) continue;
              context->Look([this](Leaf& leaf) {
                seen_ += leaf.Describe().kind.empty() ? 0 : 1;
              });
            }
          }
        }) {}

 private:
  std::size_t seen_ = 0;
  std::jthread thread_;
};

// How the waits of one test ended.
struct Endings {
  std::atomic<int> ok = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> wrong = 0;

  void Count(const absl::Status& status) {
    ++(status.ok() ? ok : absl::IsCancelled(status) ? cancelled : wrong);
  }
};

using Contexts = std::vector<std::atomic<TaskContext*>>;

class CancelTest : public ::testing::TestWithParam<int> {
 protected:
  // Runs `kTasks` tasks made by `make`, tells `wake` about each on one thread
  // and cancels each on another, while a third looks on.
  template <typename Make, typename Wake>
  void Race(Runtime& runtime, Make make, Wake wake) {
    for (int round = 0; round < kRounds; ++round) {
      Contexts contexts(kTasks);
      std::vector<JoinHandle<void>> tasks;
      for (int i = 0; i < kTasks; ++i) {
        tasks.push_back(runtime.Spawn(make(i, contexts[i])));
      }
      {
        const Onlooker onlooker(contexts);
        std::jthread waker([&] {
          for (int i = 0; i < kTasks; ++i) wake(i);
        });
        std::jthread canceller([&] {
          // Now ahead of the waker, now behind it.
          if (round % 3 == 0) std::this_thread::yield();
          for (int i = 0; i < kTasks; ++i) {
            tasks[round % 2 == 0 ? i : kTasks - 1 - i].Cancel();
          }
        });
        for (JoinHandle<void>& task : tasks) {
          EXPECT_TRUE(task.BlockingJoin().ok());
        }
      }
    }
  }

  void ExpectAllEnded(const Endings& endings) {
    EXPECT_EQ(endings.wrong, 0);
    EXPECT_EQ(endings.ok + endings.cancelled, kRounds * kTasks);
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, CancelTest, ::testing::Values(1, 2, 4));

TEST_P(CancelTest, APermitIsEitherTakenOrStillThere) {
  Runtime runtime({.workers = GetParam()});
  sync::Semaphore semaphore(0);
  Endings endings;
  auto acquire = [&](int, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    absl::StatusOr<sync::Semaphore::Permit> permit =
        co_await semaphore.Acquire();
    endings.Count(permit.status());
    if (permit.ok()) permit->Forget();
  };

  Race(runtime, acquire, [&](int) { semaphore.Release(); });

  ExpectAllEnded(endings);
  EXPECT_EQ(endings.ok + semaphore.available(), kRounds * kTasks);
}

TEST_P(CancelTest, AJoinThatIsCancelledCanBeDoneAgain) {
  Runtime runtime({.workers = GetParam()});
  Endings endings;
  std::atomic<int> lost = 0;
  auto answer = [](int turns) -> Task<int> {
    for (int i = 0; i < turns; ++i) co_await Yield();
    co_return 42;
  };
  auto rejoin = [](JoinHandle<int>& handle) -> Task<absl::StatusOr<int>> {
    absl::StatusOr<int> result = co_await handle.Join();
    co_return result;
  };
  auto join = [&](int number, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    JoinHandle<int> child = Spawn(answer(number % 7));
    absl::StatusOr<int> joined = co_await child.Join();
    endings.Count(joined.status());
    if (!joined.ok()) joined = co_await Shield(rejoin(child));
    if (joined != absl::StatusOr<int>(42)) ++lost;
  };

  Race(runtime, join, [](int) {});

  ExpectAllEnded(endings);
  EXPECT_EQ(lost, 0);
}

TEST_P(CancelTest, ASleepEndsByTheClockOrByTheCanceller) {
  Runtime runtime({.workers = GetParam()});
  Endings endings;
  std::atomic<int> early = 0;
  auto sleep = [&](int number, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    const absl::Duration length = absl::Microseconds(10 * (number % 10));
    const Instant begin = Now();
    absl::Status slept = co_await SleepFor(length);
    if (slept.ok() && Now() - begin < length) ++early;
    endings.Count(slept);
  };

  Race(runtime, sleep, [](int) {});

  ExpectAllEnded(endings);
  EXPECT_EQ(early, 0);
}

TEST_P(CancelTest, AForkPassesACancellationToBranchesThatAreBeingWoken) {
  Runtime runtime({.workers = GetParam()});
  sync::Semaphore semaphore(0);
  Endings endings;
  std::atomic<int> acquired = 0;
  auto branch = [&]() -> Task<absl::Status> {
    absl::StatusOr<sync::Semaphore::Permit> permit =
        co_await semaphore.Acquire();
    if (permit.ok()) {
      permit->Forget();
      ++acquired;
    }
    co_return permit.status();
  };
  auto fork = [&](int, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    auto [a, b] = co_await WhenAll(branch(), branch());
    endings.Count(a.ok() ? b : a);
  };

  Race(runtime, fork, [&](int) { semaphore.Release(); });

  ExpectAllEnded(endings);
  EXPECT_EQ(acquired + semaphore.available(), kRounds * kTasks);
}

TEST_P(CancelTest, DroppingAHandleWhileTheTaskEndsFreesTheTaskOnce) {
  Runtime runtime({.workers = GetParam()});
  std::atomic<int> ended = 0;
  auto counted = std::make_shared<int>(0);
  auto brief = [](std::shared_ptr<int>, std::atomic<int>& ended,
                  int turns) -> Task<> {
    for (int i = 0; i < turns; ++i) co_await Yield();
    ++ended;
  };

  for (int i = 0; i < kRounds * kTasks; ++i) {
    JoinHandle<void> handle = runtime.Spawn(brief(counted, ended, i % 3));
    if (i % 2 == 0) std::this_thread::yield();
  }
  while (ended < kRounds * kTasks) std::this_thread::yield();
  // The frame is gone before the task is: ask until it has been so for all.
  while (counted.use_count() > 1) std::this_thread::yield();

  EXPECT_EQ(ended, kRounds * kTasks);
}

TEST_P(CancelTest, ManyThreadsMayCancelTheSameTask) {
  Runtime runtime({.workers = GetParam()});
  for (int round = 0; round < kRounds; ++round) {
    auto sleep = []() -> Task<absl::Status> {
      absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
      co_return slept;
    };
    JoinHandle<absl::Status> task = runtime.Spawn(sleep());
    {
      std::vector<std::jthread> cancellers;
      for (int i = 0; i < 3; ++i) {
        cancellers.emplace_back([&task] { task.Cancel(); });
      }
    }

    EXPECT_EQ(task.BlockingJoin(), CancelledError());
  }
}

}  // namespace
}  // namespace weft
