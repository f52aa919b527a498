// Tests of weft::Runtime on real threads: the ways in, the ways to end, and
// runtimes beside and inside each other.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/runtime.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft {
namespace {

Task<int> Double(int n) {
  co_await Yield();
  co_return 2 * n;
}

Task<absl::Status> Sleep(absl::Duration duration) {
  absl::Status slept = co_await SleepFor(duration);
  co_return slept;
}

class RuntimeTest : public ::testing::TestWithParam<int> {
 protected:
  RuntimeOptions options() const { return {.workers = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Workers, RuntimeTest, ::testing::Values(1, 2, 4));

TEST_P(RuntimeTest, BlocksAPlainThreadOnATask) {
  Runtime runtime(options());

  EXPECT_EQ(runtime.workers(), GetParam());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(runtime.BlockOn(Double(i)), absl::StatusOr<int>(2 * i));
  }
}

TEST_P(RuntimeTest, ThrowsWhatEscapesFromTheTaskOnTheThreadThatWaits) {
  Runtime runtime(options());
  auto fail = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("thrown");
  };

  EXPECT_THROW(static_cast<void>(runtime.BlockOn(fail())), std::runtime_error);
  EXPECT_EQ(runtime.BlockOn(Double(4)), absl::StatusOr<int>(8));
}

TEST_P(RuntimeTest, TakesTasksFromManyPlainThreadsAtATime) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  Runtime runtime(options());
  std::array<int, kThreads> sums{};

  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&runtime, &sum = sums[thread]] {
        std::vector<JoinHandle<int>> handles;
        for (int i = 0; i < kTasks; ++i) {
          handles.push_back(runtime.Spawn(Double(i)));
        }
        for (JoinHandle<int>& handle : handles) sum += *handle.BlockingJoin();
      });
    }
  }

  for (int sum : sums) EXPECT_EQ(sum, kTasks * (kTasks - 1));
}

TEST_P(RuntimeTest, KeepsTheClosureOfASpawnedLambdaAlive) {
  Runtime runtime(options());
  auto lambda = [text = std::string("a text of more than some bytes")](
                    int times) -> Task<std::string> {
    std::string all;
    for (int i = 0; i < times; ++i) {
      co_await Yield();
      all += text;
    }
    co_return all;
  };

  JoinHandle<std::string> handle = runtime.Spawn(std::move(lambda), 2);

  EXPECT_EQ(*handle.BlockingJoin(),
            "a text of more than some bytesa text of more than some bytes");
}

TEST_P(RuntimeTest, GoesOnUnderAnotherNameWhenItIsMoved) {
  Runtime first(options());
  JoinHandle<absl::Status> sleeper =
      first.Spawn(Sleep(absl::InfiniteDuration()));

  Runtime second(std::move(first));

  EXPECT_EQ(second.BlockOn(Double(1)), absl::StatusOr<int>(2));
  EXPECT_FALSE(sleeper.finished());
  sleeper.Cancel();
  EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
}

TEST_P(RuntimeTest, ItsEndCancelsWhatIsLeftAndWaitsForIt) {
  std::atomic<int> cleaned_up = 0;
  auto clean_up = [](std::atomic<int>& cleaned_up) -> Task<absl::Status> {
    co_await OrReturn(SleepFor(absl::Milliseconds(2)));
    ++cleaned_up;
    co_return absl::OkStatus();
  };
  auto work = [&]() -> Task<> {
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
    static_cast<void>(co_await Shield(clean_up(cleaned_up)));
  };

  {
    Runtime runtime(options());
    for (int i = 0; i < 100; ++i) runtime.Spawn(work()).Detach();
  }

  EXPECT_EQ(cleaned_up, 100);
}

TEST_P(RuntimeTest, CancelsTasksThatAreSpawnedWhileItEnds) {
  std::atomic<int> cancelled = 0;
  auto child = [](std::atomic<int>& cancelled) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    cancelled += absl::IsCancelled(slept);
  };
  auto parent = [&]() -> Task<> {
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
    Spawn(child(cancelled)).Detach();
  };

  {
    Runtime runtime(options());
    for (int i = 0; i < 100; ++i) runtime.Spawn(parent()).Detach();
  }

  EXPECT_EQ(cancelled, 100);
}

TEST_P(RuntimeTest, AfterItsDrainTimeoutItDestroysWhatDoesNotHeed) {
  constexpr int kTasks = 100;
  std::atomic<int> begun = 0;
  std::atomic<int> destroyed = 0;
  struct Count {
    std::atomic<int>& n;
    ~Count() { ++n; }
  };
  auto stubborn = [](std::atomic<int>& begun,
                     std::atomic<int>& destroyed) -> Task<> {
    Count count{destroyed};
    ++begun;
    static_cast<void>(co_await Shield(Sleep(absl::InfiniteDuration())));
    ADD_FAILURE() << "woke from a sleep without end";
  };
  std::vector<JoinHandle<void>> handles;

  {
    Runtime runtime(
        {.workers = GetParam(), .drain_timeout = absl::Milliseconds(20)});
    for (int i = 0; i < kTasks; ++i) {
      handles.push_back(runtime.Spawn(stubborn(begun, destroyed)));
    }
    while (begun < kTasks) std::this_thread::yield();
    EXPECT_EQ(destroyed, 0);
  }

  EXPECT_EQ(destroyed, kTasks);
  for (JoinHandle<void>& handle : handles) {
    ASSERT_TRUE(handle.finished());
    EXPECT_EQ(handle.BlockingJoin(), CancelledError());
  }
}

// What drains is cancelled from above, and no cancellation passes a Shield.
TEST_P(RuntimeTest, AScopeInAShieldHasChildrenWhileItDrains) {
  std::atomic<bool> begun = false;
  std::optional<bool> child_cancelled;
  auto child = [](std::optional<bool>& cancelled) -> Task<> {
    co_await Yield();
    cancelled = IsCancelled();
  };
  auto clean_up = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(child, std::ref(child_cancelled));
      co_return absl::OkStatus();
    });
  };
  auto work = [&]() -> Task<> {
    begun = true;
    EXPECT_TRUE(absl::IsCancelled(co_await Sleep(absl::InfiniteDuration())));
    EXPECT_EQ(co_await Shield(clean_up()), absl::OkStatus());
  };

  {
    Runtime runtime({.workers = GetParam()});
    runtime.Spawn(work()).Detach();
    while (!begun) std::this_thread::yield();
  }

  EXPECT_EQ(child_cancelled, false);
}

TEST_P(RuntimeTest, MayBeMadeAndEndedAgainAndAgain) {
  for (int i = 0; i < 50; ++i) {
    Runtime runtime(options());
    EXPECT_EQ(runtime.BlockOn(Double(i)), absl::StatusOr<int>(2 * i));
  }
}

TEST_P(RuntimeTest, MayEndWithoutHavingBegunAnything) {
  const int before = testing::OpenDescriptors();

  for (int i = 0; i < 50; ++i) Runtime runtime(options());

  EXPECT_EQ(testing::OpenDescriptors(), before);
}

TEST(RuntimeDefaultsTest, HasAsManyWorkersAsTheProcessMayUse) {
  const int processors = reactor::System::Kernel().available_processors();

  EXPECT_GE(DefaultWorkers(), 1);
  EXPECT_LE(DefaultWorkers(), processors);
  EXPECT_EQ(Runtime().workers(), DefaultWorkers());
}

TEST(RuntimeDefaultsTest, SaysWhyItCannotStart) {
  class NoPoller final : public reactor::System {
   public:
    int event_queue_control(absl::FunctionRef<int()>) override {
      errno = EMFILE;
      return -1;
    }
  };
  NoPoller system;

  absl::StatusOr<Runtime> runtime =
      Runtime::Create({.workers = 2, .system = &system});

  EXPECT_TRUE(absl::IsResourceExhausted(runtime.status())) << runtime.status();
}

// --- More than one ----------------------------------------------------------

TEST(RuntimesTest, ATaskOfOneJoinsATaskOfAnother) {
  Runtime other({.workers = 2});
  auto join_all = [&]() -> Task<absl::StatusOr<int>> {
    int sum = 0;
    for (int i = 0; i < 500; ++i) {
      JoinHandle<int> handle = other.Spawn(Double(i));
      sum += co_await OrReturn(handle.Join());
    }
    co_return sum;
  };
  Runtime runtime({.workers = 2});

  EXPECT_EQ(runtime.BlockOn(join_all()), absl::StatusOr<int>(500 * 499));
}

// The other runtime's worker wakes the last task of ours, and is still on its
// way out of that call when ours is gone.
TEST(RuntimesTest, OneMayEndAtTheMomentAnotherHasWokenItsLastTask) {
  Runtime other({.workers = 1});
  for (int i = 0; i < 300; ++i) {
    Runtime brief({.workers = 1 + i % 2});
    auto join = [&other](int n) -> Task<absl::StatusOr<int>> {
      JoinHandle<int> handle = other.Spawn(Double(n));
      int doubled = co_await OrReturn(handle.Join());
      co_return doubled;
    };

    EXPECT_EQ(brief.BlockOn(join(i)), absl::StatusOr<int>(2 * i));
  }
}

TEST(RuntimesTest, ACancelledJoinAcrossRuntimesLeavesTheOtherTaskRunning) {
  Runtime other({.workers = 1});
  JoinHandle<absl::Status> sleeper =
      other.Spawn(Sleep(absl::InfiniteDuration()));
  Runtime runtime({.workers = 1});
  auto join = [&]() -> Task<absl::Status> {
    absl::Status joined = co_await sleeper.Join();
    co_return joined;
  };
  JoinHandle<absl::Status> joiner = runtime.Spawn(join());
  EXPECT_TRUE(runtime.BlockOn(Sleep(absl::Milliseconds(1))).ok());

  joiner.Cancel();

  EXPECT_EQ(joiner.BlockingJoin(), CancelledError());
  EXPECT_FALSE(sleeper.finished());
  sleeper.Cancel();
  EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
}

TEST(RuntimesTest, OneMayBeOwnedByAThreadThatATaskOfAnotherWaitsFor) {
  Runtime outer({.workers = 2});
  auto nest = [&]() -> Task<absl::StatusOr<int>> {
    auto run_inner = [] {
      Runtime inner({.workers = 2});
      return inner.BlockOn(Double(21));
    };
    int answer = co_await OrReturn(Blocking(run_inner));
    co_return answer;
  };

  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(outer.BlockOn(nest()), absl::StatusOr<int>(42));
  }
}

}  // namespace
}  // namespace weft
