// Tests of forks on several workers: steals, exceptions, and the join that is
// counted by whoever comes last.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/system.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

constexpr int kWorkers = 4;

Task<int> Fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await WhenAll(Fib(n - 1), Fib(n - 2));
  co_return a + b;
}

TEST(ForkJoinStressTest, AddsUpWhoeverRunsWhichBranch) {
  Runtime runtime({.workers = kWorkers});

  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(runtime.BlockOn(Fib(17)), absl::StatusOr<int>(1597));
  }
}

// A system without membarrier(2): owners pay for the order between them and
// their thieves (steal_barrier.h). Else thieves do, where they can.
class WithoutMembarrier final : public reactor::System {
 public:
  int membarrier_register() override {
    errno = ENOSYS;
    return -1;
  }
};

TEST(ForkJoinStressTest, AddsUpWhereOwnersPayForTheBarrier) {
  WithoutMembarrier system;
  Runtime runtime({.workers = kWorkers, .system = &system});

  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(runtime.BlockOn(Fib(17)), absl::StatusOr<int>(1597));
  }
}

TEST(ForkJoinStressTest, AddsUpWhenSeveralTreesGrowAtATime) {
  Runtime runtime({.workers = kWorkers});
  std::vector<JoinHandle<int>> trees;

  for (int i = 0; i < 20; ++i) trees.push_back(runtime.Spawn(Fib(15)));

  for (JoinHandle<int>& tree : trees) {
    EXPECT_EQ(tree.BlockingJoin(), absl::StatusOr<int>(610));
  }
}

Task<int> FibThatWaits(int n) {
  if (n < 2) {
    co_await Yield();
    co_return n;
  }
  auto [a, b] = co_await WhenAll(FibThatWaits(n - 1), FibThatWaits(n - 2));
  co_return a + b;
}

TEST(ForkJoinStressTest, AddsUpWhenEveryLeafYields) {
  Runtime runtime({.workers = kWorkers});

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(runtime.BlockOn(FibThatWaits(15)), absl::StatusOr<int>(610));
  }
}

// Only a thief can run the second branch: the first never gives its worker up.
TEST(ForkJoinStressTest, AThiefRunsTheBranchThatTheFirstOneWaitsFor) {
  Runtime runtime({.workers = 2});
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> second_ran = false;
    auto first = [](std::atomic<bool>& second_ran) -> Task<> {
      while (!second_ran) std::this_thread::yield();
      co_return;
    };
    auto second = [](std::atomic<bool>& second_ran) -> Task<> {
      second_ran = true;
      co_return;
    };
    auto fork = [&]() -> Task<> {
      co_await WhenAll(first(second_ran), second(second_ran));
    };

    EXPECT_TRUE(runtime.BlockOn(fork()).ok());
  }
}

class Broken : public std::runtime_error {
 public:
  Broken() : std::runtime_error("broken") {}
};

// A leaf whose number is a multiple of seven throws; the sum of the others.
Task<int> SumOrThrow(int first, int count, std::atomic<int>& caught) {
  if (count == 1) {
    if (first % 7 == 0) throw Broken();
    if (first % 3 == 0) co_await Yield();
    co_return 1;
  }
  const int half = count / 2;
  auto guarded = [](int first, int count,
                    std::atomic<int>& caught) -> Task<int> {
    try {
      int sum = co_await SumOrThrow(first, count, caught);
      co_return sum;
    } catch (const Broken&) {
      ++caught;
    }
    co_return 0;
  };
  auto [a, b] = co_await WhenAll(guarded(first, half, caught),
                                 guarded(first + half, count - half, caught));
  co_return a + b;
}

TEST(ForkJoinStressTest, CatchesEachExceptionOnceOnWhateverWorker) {
  constexpr int kLeaves = 1400;
  Runtime runtime({.workers = kWorkers});

  for (int i = 0; i < 5; ++i) {
    std::atomic<int> caught = 0;
    EXPECT_EQ(runtime.BlockOn(SumOrThrow(0, kLeaves, caught)),
              absl::StatusOr<int>(kLeaves - kLeaves / 7));
    EXPECT_EQ(caught, kLeaves / 7);
  }
}

TEST(ForkJoinStressTest, ThrowsTheFirstExceptionAfterAllBranchesAreOver) {
  Runtime runtime({.workers = kWorkers});
  std::atomic<int> running = 0;
  auto branch = [](int number, std::atomic<int>& running) -> Task<> {
    ++running;
    for (int i = 0; i < number % 5; ++i) co_await Yield();
    --running;
    if (number % 10 == 3) throw Broken();
  };
  auto fork = [&]() -> Task<bool> {
    std::vector<Task<>> branches;
    for (int i = 0; i < 100; ++i) branches.push_back(branch(i, running));
    try {
      co_await WhenAll(std::move(branches));
    } catch (const Broken&) {
      co_return running == 0;
    }
    co_return false;
  };

  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(runtime.BlockOn(fork()), absl::StatusOr<bool>(true));
  }
}

TEST(ForkJoinStressTest, ARaceGivesEveryOutcomeAndOneWinner) {
  Runtime runtime({.workers = kWorkers});
  auto runner = [](int number) -> Task<absl::StatusOr<int>> {
    for (int i = 0; i < number; ++i) co_await Yield();
    if (number < 4) co_return number;
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    co_return slept;
  };
  auto race = [&]() -> Task<absl::Status> {
    std::vector<Task<absl::StatusOr<int>>> runners;
    for (int i = 0; i < 8; ++i) runners.push_back(runner(i));
    auto any = co_await WhenAny(std::move(runners));
    if (any.outcomes.size() != 8) co_return absl::InternalError("lost one");
    if (!any.outcomes[any.first].ok()) co_return absl::InternalError("winner");
    for (int i = 0; i < 8; ++i) {
      const absl::StatusOr<int>& outcome = any.outcomes[i];
      const bool as_expected = i < 4 ? outcome == absl::StatusOr<int>(i)
                                     : absl::IsCancelled(outcome.status());
      if (!as_expected) co_return absl::InternalError("outcome");
    }
    co_return absl::OkStatus();
  };

  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(runtime.BlockOn(race()).ok());
  }
}

TEST(ForkJoinStressTest, AScopeCountsChildrenThatSpawnChildren) {
  Runtime runtime({.workers = kWorkers});
  std::atomic<int> ended = 0;
  struct Tree {
    static Task<> Grow(Scope& scope, int depth, std::atomic<int>& ended) {
      if (depth > 0) {
        scope.Spawn(Grow(scope, depth - 1, ended));
        scope.Spawn(Grow(scope, depth - 1, ended));
      }
      if (depth % 3 == 0) co_await Yield();
      ++ended;
    }
  };
  auto run = [&]() -> Task<absl::Status> {
    absl::Status status =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(Tree::Grow(scope, 8, ended));
          co_return absl::OkStatus();
        });
    co_return status;
  };

  for (int i = 0; i < 20; ++i) {
    ended = 0;
    EXPECT_TRUE(runtime.BlockOn(run()).ok());
    EXPECT_EQ(ended, 511);
  }
}

TEST(ForkJoinStressTest, TheFirstErrorOfManyChildrenEndsTheOthers) {
  Runtime runtime({.workers = kWorkers});
  std::atomic<int> cancelled = 0;
  auto child = [](int number,
                  std::atomic<int>& cancelled) -> Task<absl::Status> {
    if (number == 25) {
      co_await Yield();
      co_return absl::DataLossError("first");
    }
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    cancelled += absl::IsCancelled(slept);
    co_return slept;
  };
  auto run = [&]() -> Task<absl::Status> {
    absl::Status status =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          for (int i = 0; i < 50; ++i) scope.Spawn(child(i, cancelled));
          co_return absl::OkStatus();
        });
    co_return status;
  };

  for (int i = 0; i < 50; ++i) {
    cancelled = 0;
    EXPECT_EQ(runtime.BlockOn(run()), absl::DataLossError("first"));
    EXPECT_EQ(cancelled, 49);
  }
}

}  // namespace
}  // namespace weft
