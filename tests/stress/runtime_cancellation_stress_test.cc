// Cancellations that meet wakes, timers and onlookers, on real threads.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
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
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

bool OkOrCancelled(const absl::Status& status) {
  return status.ok() || absl::IsCancelled(status);
}

// Each task sleeps for some microseconds, so that its timer and the canceller
// come at about the same time, while a third thread looks at its leaf.
TEST(CancellationStressTest, ACancellationMeetsAWakeWhileSomebodyLooks) {
  constexpr int kRounds = 60;
  constexpr int kTasks = 32;
  Runtime runtime({.workers = 2});
  auto sleep = [](std::atomic<TaskContext*>& context,
                  absl::Duration pause) -> Task<absl::Status> {
    // release: the looker's acquire sees a context whose task has begun.
    context.store(internal::Here().context, std::memory_order_release);
    absl::Status first = co_await SleepFor(pause);
    absl::Status second = co_await SleepFor(pause);
    EXPECT_TRUE(OkOrCancelled(first));
    EXPECT_TRUE(first.ok() || absl::IsCancelled(second));
    co_return second;
  };
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::atomic<TaskContext*>> contexts(kTasks);
    std::vector<JoinHandle<absl::Status>> tasks;
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(runtime.Spawn(sleep, std::ref(contexts[i]),
                                    absl::Microseconds(5 * i)));
    }
    std::atomic<bool> done{false};
    // The handles keep the contexts alive.
    std::thread looker([&] {
      while (!done.load(std::memory_order_relaxed)) {
        for (std::atomic<TaskContext*>& context : contexts) {
          TaskContext* const seen = context.load(std::memory_order_acquire);
          if (seen == nullptr) continue;
          seen->Look(
              [](Leaf& leaf) { EXPECT_EQ(leaf.Describe().kind, "sleep"); });
        }
      }
    });
    for (JoinHandle<absl::Status>& task : tasks) task.Cancel();
    for (JoinHandle<absl::Status>& task : tasks) {
      EXPECT_TRUE(OkOrCancelled(task.BlockingJoin()));
    }
    done.store(true, std::memory_order_relaxed);
    looker.join();
  }
}

// The body and the deadline end within microseconds of each other, on whatever
// worker: the timer may be firing while it is cancelled.
TEST(CancellationStressTest, ADeadlineFiresWhileItsTaskEnds) {
  constexpr int kRounds = 400;
  constexpr int kBranches = 8;
  Runtime runtime({.workers = 2});
  auto race = [](int round) -> Task<> {
    auto one = [](int pause, int timeout) -> Task<absl::StatusOr<int>> {
      co_return co_await WithTimeout(
          absl::Microseconds(timeout),
          GiveAfter(absl::Microseconds(pause), pause));
    };
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (int i = 0; i < kBranches; ++i) {
      tasks.push_back(one(30 + (round * 7) % 50, 30 + (round * 11) % 50));
    }
    std::vector<absl::StatusOr<int>> all = co_await WhenAll(std::move(tasks));
    for (const absl::StatusOr<int>& result : all) {
      EXPECT_TRUE(result.ok() || absl::IsDeadlineExceeded(result.status()))
          << result.status();
    }
  };
  std::vector<JoinHandle<void>> running;
  for (int round = 0; round < kRounds; ++round) {
    running.push_back(runtime.Spawn(race(round)));
  }
  for (JoinHandle<void>& task : running) {
    EXPECT_TRUE(task.BlockingJoin().ok());
  }
}

TEST(CancellationStressTest, ARaceCancelsItsLosersWhileTheyEnd) {
  constexpr int kRounds = 500;
  Runtime runtime({.workers = 2});
  auto run = [](int round) -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Microseconds(round % 7), 0),
                                GiveAfter(absl::Microseconds(round % 5), 1),
                                GiveAfter(absl::Microseconds(round % 3), 2));
    const absl::StatusOr<int>* const outcomes[] = {&std::get<0>(any.outcomes),
                                                   &std::get<1>(any.outcomes),
                                                   &std::get<2>(any.outcomes)};
    EXPECT_TRUE(outcomes[any.first]->ok());
    for (const absl::StatusOr<int>* const outcome : outcomes) {
      EXPECT_TRUE(OkOrCancelled(outcome->status()));
    }
  };
  std::vector<JoinHandle<void>> running;
  for (int round = 0; round < kRounds; ++round) {
    running.push_back(runtime.Spawn(run(round)));
  }
  for (JoinHandle<void>& task : running) {
    EXPECT_TRUE(task.BlockingJoin().ok());
  }
}

// Children fail and are spawned on two workers, while a thread cancels the
// scope's task from outside.
TEST(CancellationStressTest, AScopeIsCancelledFromInsideAndOutside) {
  constexpr int kRounds = 400;
  Runtime runtime({.workers = 2});
  auto alive = std::make_shared<int>(0);
  auto child = [](std::shared_ptr<int>, int n) -> Task<absl::Status> {
    for (int i = 0; i < n % 4; ++i) co_await Yield();
    co_await OrReturn(SleepFor(absl::Microseconds(n)));
    if (n % 8 == 7) co_return absl::InternalError("broken");
    co_return absl::OkStatus();
  };
  auto run = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      for (int i = 0; i < 16; ++i) {
        scope.Spawn(child, alive, i);
        if (i % 4 == 0) co_await Yield();
      }
    });
  };
  for (int round = 0; round < kRounds; ++round) {
    JoinHandle<absl::Status> task = runtime.Spawn(run());
    if (round % 2 == 0) task.Cancel();

    absl::Status ended = task.BlockingJoin();

    EXPECT_TRUE(absl::IsInternal(ended) || absl::IsCancelled(ended)) << ended;
    EXPECT_EQ(alive.use_count(), 1);
  }
}

Task<int> Fib(int n) {
  if (n < 2) {
    if (n == 1) co_await Yield();
    co_return n;
  }
  auto [a, b] = co_await WhenAll(Fib(n - 1), Fib(n - 2));
  co_return a + b;
}

TEST(CancellationStressTest, ForksAreStolenAndCancelledOnTheWay) {
  Runtime runtime({.workers = 4});
  for (int round = 0; round < 10; ++round) {
    JoinHandle<int> undisturbed = runtime.Spawn(Fib(15));
    JoinHandle<int> cancelled = runtime.Spawn(Fib(15));

    cancelled.Cancel();  // It does not wait, so it is not stopped either.

    EXPECT_EQ(*undisturbed.BlockingJoin(), 610);
    EXPECT_EQ(*cancelled.BlockingJoin(), 610);
  }
}

}  // namespace
}  // namespace weft
