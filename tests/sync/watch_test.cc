// Tests of weft::sync::Watch: an observer sees the newest value once, and is
// never left waiting beside one that it has not seen.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/watch.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::Simulator;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

Task<absl::StatusOr<int>> NextOf(Watch<int>::Observer& observer) {
  co_return co_await observer.Next();
}

class WatchTest : public SeededTest {
 protected:
  void Set(int value) { EXPECT_EQ(watch_.Set(value), absl::OkStatus()); }

  // Starts a task and lets it run as far as it can.
  JoinHandle<absl::StatusOr<int>> Settle(Task<absl::StatusOr<int>> task) {
    auto handle = sim_.SpawnJoinable(std::move(task));
    sim_.RunUntilIdle();
    return handle;
  }

  Watch<int> watch_{1};
};
INSTANTIATE_TEST_SUITE_P(Any, WatchTest, Schedules(), ScheduleName);

// --- Values and news --------------------------------------------------------

TEST_P(WatchTest, GivesTheNewestValueToWhoeverAsks) {
  EXPECT_EQ(watch_.Get(), 1);
  Set(2);

  EXPECT_EQ(watch_.Get(), 2);
}

TEST_P(WatchTest, ANewObserverHasSeenNothing) {
  Set(2);
  auto observer = watch_.Observe();

  EXPECT_TRUE(observer.HasNext());
  EXPECT_EQ(*sim_.Run(NextOf(observer)), 2);
  EXPECT_FALSE(observer.HasNext());
}

TEST_P(WatchTest, AnObserverWaitsUntilThereIsAValueThatItHasNotSeen) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);
  auto next = Settle(NextOf(observer));
  EXPECT_FALSE(next.finished());

  Set(1);  // The same, and set all the same.
  sim_.RunUntilIdle();

  EXPECT_EQ(*next.BlockingJoin(), 1);
}

TEST_P(WatchTest, AnObserverSeesTheNewestAndNotWhatWasReplaced) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);
  auto next = Settle(NextOf(observer));

  Set(2);
  Set(3);
  sim_.RunUntilIdle();

  EXPECT_EQ(*next.BlockingJoin(), 3);
  EXPECT_FALSE(observer.HasNext());
}

TEST_P(WatchTest, ASetWakesAllWhoWait) {
  auto one = watch_.Observe();
  auto other = watch_.Observe();
  EXPECT_EQ(*one.BlockingNext(), 1);
  EXPECT_EQ(*other.BlockingNext(), 1);
  auto first = Settle(NextOf(one));
  auto second = Settle(NextOf(other));

  Set(2);
  sim_.RunUntilIdle();

  EXPECT_EQ(*first.BlockingJoin(), 2);
  EXPECT_EQ(*second.BlockingJoin(), 2);
}

TEST_P(WatchTest, AnObserverGoesOnWhereItWasMovedTo) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);

  auto moved = std::move(observer);

  EXPECT_EQ(watch_.observers(), 1u);
  EXPECT_FALSE(moved.HasNext());
}

// --- WaitUntil --------------------------------------------------------------

TEST_P(WatchTest, WaitUntilAsksAboutEachValueAndGivesTheFirstThatHolds) {
  auto observer = watch_.Observe();
  std::vector<int> asked;
  auto is_big = [&asked](int value) {
    asked.push_back(value);
    return value > 2;
  };
  auto big = Settle(observer.WaitUntil(is_big));

  for (int value : {2, 3}) {
    Set(value);
    sim_.RunUntilIdle();
  }

  EXPECT_EQ(*big.BlockingJoin(), 3);
  EXPECT_THAT(asked, ElementsAre(1, 2, 3));
}

TEST_P(WatchTest, WaitUntilIsContentWithAValueThatWasSeen) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);

  EXPECT_EQ(*sim_.Run(observer.WaitUntil([](int value) { return value == 1; })),
            1);
}

TEST_P(WatchTest, WaitUntilCallsItsPredicateWithoutTheLock) {
  auto observer = watch_.Observe();
  auto set_more = [this](int value) {
    if (value < 5) Set(value + 1);
    return value == 5;
  };

  EXPECT_EQ(*sim_.Run(observer.WaitUntil(set_more)), 5);
}

TEST_P(WatchTest, WaitUntilPassesOnWhatItsPredicateThrows) {
  auto observer = watch_.Observe();
  auto refuse = [](int) -> bool { throw std::runtime_error("no idea"); };

  EXPECT_THROW(static_cast<void>(sim_.Run(observer.WaitUntil(refuse))),
               std::runtime_error);
}

// --- Closing and cancellation -----------------------------------------------

TEST_P(WatchTest, AfterTheCloseTheLastValueCanBeSeenOnce) {
  auto observer = watch_.Observe();
  Set(2);

  watch_.Close();

  EXPECT_TRUE(watch_.closed());
  EXPECT_TRUE(absl::IsOutOfRange(watch_.Set(3)));
  EXPECT_EQ(*sim_.Run(NextOf(observer)), 2);
  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(NextOf(observer)).status()));
  EXPECT_EQ(watch_.Get(), 2);
}

TEST_P(WatchTest, ClosingEndsTheWaitOfObservers) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);
  auto other = watch_.Observe();
  auto next = Settle(NextOf(observer));
  auto until = Settle(other.WaitUntil([](int value) { return value == 2; }));

  watch_.Close();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(next.BlockingJoin().status()));
  EXPECT_TRUE(absl::IsOutOfRange(until.BlockingJoin().status()));
}

TEST_P(WatchTest, ACancelledNextHasSeenNothing) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);
  auto next = Settle(NextOf(observer));

  next.Cancel();
  Set(2);
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(next.BlockingJoin().status()));
  EXPECT_EQ(*observer.BlockingNext(), 2);
}

TEST_P(WatchTest, AWaitSaysWhatItWaitsFor) {
  auto observer = watch_.Observe();
  EXPECT_EQ(observer.Get(), 1);
  const WaitDescription seen =
      DescribeWaitOf(sim_, [&]() -> Task<absl::Status> {
        co_return (co_await observer.Next()).status();
      });

  EXPECT_EQ(seen.kind, "watch");
  EXPECT_EQ(seen.on, &watch_);
  watch_.Close();
  sim_.RunUntilIdle();
}

// --- Foreign code -----------------------------------------------------------

TEST(WatchUpdateTest, ChangesTheNewestValueThoughOthersSetMeanwhile) {
  Watch<std::string> watch("a");
  int calls = 0;

  const absl::Status updated = watch.Update([&](std::string& value) {
    if (++calls == 1) watch.Set("b").IgnoreError();
    value += "!";
  });

  EXPECT_EQ(updated, absl::OkStatus());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(watch.Get(), "b!");
}

TEST(WatchUpdateTest, SetsNothingWhereItThrowsOrIsClosed) {
  Watch<std::string> watch("a");
  auto refuse = [](std::string& value) {
    value = "half";
    throw std::runtime_error("not now");
  };
  auto append = [](std::string& value) { value += "!"; };

  EXPECT_THROW(watch.Update(refuse).IgnoreError(), std::runtime_error);
  watch.Close();

  EXPECT_TRUE(absl::IsOutOfRange(watch.Update(append)));
  EXPECT_EQ(watch.Get(), "a");
}

// Whose copy constructor does what a test tells it to.
struct Foreign {
  explicit Foreign(int number) : number(number) {}
  Foreign(const Foreign& other) : number(other.number) {
    if (on_copy) on_copy();
  }
  Foreign(Foreign&&) noexcept = default;

  inline static std::function<void()> on_copy;
  int number;
};

class WatchCopyTest : public ::testing::Test {
 protected:
  ~WatchCopyTest() override { Foreign::on_copy = nullptr; }

  Watch<Foreign> watch_{Foreign(1)};
  Watch<Foreign>::Observer observer_ = watch_.Observe();
};

TEST_F(WatchCopyTest, ACopyThatThrowsPassesThroughAndHasSeenNothing) {
  Foreign::on_copy = [] { throw std::runtime_error("not now"); };
  EXPECT_THROW(static_cast<void>(observer_.BlockingNext()), std::runtime_error);
  EXPECT_THROW(static_cast<void>(observer_.Get()), std::runtime_error);
  Foreign::on_copy = nullptr;

  EXPECT_TRUE(observer_.HasNext());
  EXPECT_EQ(observer_.BlockingNext()->number, 1);
}

TEST_F(WatchCopyTest, AValueStaysWholeWhileItIsCopiedThoughReplaced) {
  Foreign::on_copy = [this] {
    EXPECT_EQ(watch_.Set(Foreign(2)), absl::OkStatus());
    EXPECT_EQ(watch_.Set(Foreign(3)), absl::OkStatus());
  };
  EXPECT_EQ(observer_.Get().number, 1);
  Foreign::on_copy = nullptr;

  EXPECT_TRUE(observer_.HasNext());
  EXPECT_EQ(observer_.Get().number, 3);
}

TEST(WatchEndTest, EveryValueAndEveryCopyDiesOnce) {
  Census census;
  {
    Watch<Counted> watch{Counted(census, 1)};
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(watch.Set(Counted(census, i)), absl::OkStatus());
      EXPECT_EQ(watch.Get().number(), i);
    }
    EXPECT_EQ(census.alive(), 1);
  }

  EXPECT_EQ(census.alive(), 0);
}

TEST(WatchEndTest, WhoDiesWithItsRuntimeLeavesTheWatchAsItIs) {
  Watch<int> watch(1);
  auto observer = watch.Observe();
  EXPECT_EQ(observer.Get(), 1);
  {
    Simulator stopped;
    stopped.Spawn(NextOf(observer));
    stopped.RunUntilIdle();
  }

  EXPECT_EQ(watch.Set(2), absl::OkStatus());

  EXPECT_EQ(*observer.BlockingNext(), 2);
}

TEST(WatchDeathTest, SaysWhatToDoInstead) {
  EXPECT_DEATH(
      {
        auto watch = std::make_unique<Watch<int>>(1);
        auto observer = watch->Observe();
        watch.reset();
      },
      "before its observers");
}

TEST(WatchDeathTest, TwoThatWaitForOneObserverAreToldToObserve) {
  Simulator sim;
  Watch<int> watch(1);
  auto observer = watch.Observe();
  EXPECT_EQ(observer.Get(), 1);
  sim.Spawn(NextOf(observer));
  sim.RunUntilIdle();

  EXPECT_DEATH(
      {
        Simulator other;
        other.Spawn(NextOf(observer));
        other.RunUntilIdle();
      },
      "Observe once more");

  watch.Close();
  sim.RunUntilIdle();
}

}  // namespace
}  // namespace weft::sync
