// Tests of weft::sync::Semaphore: how many are in, in which order, and that no
// permit is ever lost or invented.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/semaphore.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/steps.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;
using ::weft::tests::TimesBeforeAnotherHasATurn;

class SemaphoreTest : public SeededTest {
 protected:
  // A task that takes `count` permits for good, and notes that it has them.
  JoinHandle<absl::Status> Take(Semaphore& semaphore, int name,
                                std::int64_t count) {
    JoinHandle<absl::Status> taker =
        sim_.SpawnJoinable(Taker(semaphore, name, count));
    // One at a time, so that they come in this order whatever the seed.
    sim_.RunUntilIdle();
    return taker;
  }

  std::vector<int> served_;

 private:
  Task<absl::Status> Taker(Semaphore& semaphore, int name, std::int64_t count) {
    Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire(count));
    served_.push_back(name);
    permit.Forget();
    co_return absl::OkStatus();
  }
};
INSTANTIATE_TEST_SUITE_P(Any, SemaphoreTest, Schedules(), ScheduleName);

// --- Counting ---------------------------------------------------------------

TEST_P(SemaphoreTest, LetsSoManyInAndNotOneMore) {
  Semaphore semaphore(3);
  int inside = 0;
  int most = 0;
  int visits = 0;
  auto visit = [&]() -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
    most = std::max(most, ++inside);
    co_await Yield();
    co_await Yield();
    --inside;
    ++visits;
    co_return absl::OkStatus();
  };
  for (int i = 0; i < 10; ++i) sim_.Spawn(visit());

  sim_.RunUntilIdle();

  EXPECT_EQ(most, 3);
  EXPECT_EQ(visits, 10);
  EXPECT_EQ(semaphore.available(), 3);
}

TEST(SemaphoreTryAcquireTest, TakesWhatIsThereAllOrNothing) {
  Semaphore semaphore(3);

  Semaphore::Permit two = semaphore.TryAcquire(2);
  Semaphore::Permit too_many = semaphore.TryAcquire(2);
  Semaphore::Permit one = semaphore.TryAcquire();

  EXPECT_TRUE(two);
  EXPECT_FALSE(too_many);
  EXPECT_TRUE(one);
  EXPECT_EQ(semaphore.available(), 0);
}

TEST(SemaphorePermitTest, GivesItsPermitsBackOnceWhenItMoves) {
  Semaphore semaphore(5);
  {
    Semaphore::Permit first = semaphore.TryAcquire(4);
    Semaphore::Permit second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): it says so.
    EXPECT_TRUE(second);
    EXPECT_EQ(semaphore.available(), 1);
  }

  EXPECT_EQ(semaphore.available(), 5);
}

TEST(SemaphorePermitTest, KeepsThePermitsThatItForgets) {
  Semaphore semaphore(2);
  {
    Semaphore::Permit permit = semaphore.TryAcquire(2);
    permit.Forget();
    EXPECT_FALSE(permit);
  }

  EXPECT_EQ(semaphore.available(), 0);
  semaphore.Release(2);
  EXPECT_EQ(semaphore.available(), 2);
}

TEST_P(SemaphoreTest, ReleaseMayRaiseTheNumberOfPermits) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, 3);
  EXPECT_THAT(served_, IsEmpty());

  semaphore.Release(10);
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, ElementsAre(1));
  EXPECT_EQ(semaphore.available(), 7);
}

TEST_P(SemaphoreTest, MayBeginInDebt) {
  Semaphore semaphore(-2);
  JoinHandle<absl::Status> none = Take(semaphore, 0, 0);
  JoinHandle<absl::Status> one = Take(semaphore, 1, 1);

  semaphore.Release(2);
  sim_.RunUntilIdle();
  EXPECT_THAT(served_, ElementsAre(0));
  semaphore.Release();
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, ElementsAre(0, 1));
  EXPECT_EQ(semaphore.available(), 0);
}

TEST_P(SemaphoreTest, ANegativeCountIsAnErrorAndTakesNothing) {
  Semaphore semaphore(1);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, -1);

  EXPECT_TRUE(absl::IsInvalidArgument(taker.BlockingJoin()));
  EXPECT_FALSE(semaphore.TryAcquire(-1));
  EXPECT_EQ(semaphore.available(), 1);
}

TEST_P(SemaphoreTest, ANegativeCountIsAnErrorWhereOthersWaitToo) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> waiter = Take(semaphore, 1, 1);
  JoinHandle<absl::Status> taker = Take(semaphore, 2, -1);

  EXPECT_TRUE(absl::IsInvalidArgument(taker.BlockingJoin()));
  semaphore.Release();
  sim_.RunUntilIdle();
  EXPECT_THAT(served_, ElementsAre(1));
}

// --- Order ------------------------------------------------------------------

TEST_P(SemaphoreTest, ServesInTheOrderTheyCame) {
  Semaphore semaphore(0);
  std::vector<JoinHandle<absl::Status>> takers;
  for (int name : {1, 2, 3}) takers.push_back(Take(semaphore, name, 1));

  for (int i = 0; i < 3; ++i) {
    semaphore.Release();
    sim_.RunUntilIdle();
  }

  EXPECT_THAT(served_, ElementsAre(1, 2, 3));
}

TEST_P(SemaphoreTest, ASmallRequestDoesNotOvertakeABigOne) {
  Semaphore semaphore(2);
  JoinHandle<absl::Status> big = Take(semaphore, 3, 3);
  JoinHandle<absl::Status> small = Take(semaphore, 1, 1);
  EXPECT_THAT(served_, IsEmpty());
  EXPECT_FALSE(semaphore.TryAcquire());
  EXPECT_FALSE(semaphore.TryAcquire(0));

  semaphore.Release();
  sim_.RunUntilIdle();
  EXPECT_THAT(served_, ElementsAre(3));
  semaphore.Release();
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, ElementsAre(3, 1));
}

TEST_P(SemaphoreTest, OneReleaseServesAllItIsEnoughFor) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> first = Take(semaphore, 1, 2);
  JoinHandle<absl::Status> second = Take(semaphore, 2, 3);
  JoinHandle<absl::Status> third = Take(semaphore, 3, 2);

  semaphore.Release(6);

  EXPECT_EQ(semaphore.available(), 1);
  sim_.RunUntilIdle();
  EXPECT_TRUE(first.finished());
  EXPECT_TRUE(second.finished());
  EXPECT_FALSE(third.finished());
  semaphore.Release();
  sim_.RunUntilIdle();
  EXPECT_TRUE(third.finished());
}

TEST_P(SemaphoreTest, TryAcquireDoesNotTakeWhatWasGrantedToWhoWaits) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, 1);

  semaphore.Release();

  EXPECT_FALSE(semaphore.TryAcquire());
  sim_.RunUntilIdle();
  EXPECT_THAT(served_, ElementsAre(1));
}

// --- Cancellation -----------------------------------------------------------

TEST_P(SemaphoreTest, ACancelledTaskTakesNoPermitEvenWhereThereIsOne) {
  Semaphore semaphore(1);
  auto take = [](Semaphore& from) -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(from.Acquire());
    co_return absl::OkStatus();
  };
  JoinHandle<absl::Status> taker = sim_.SpawnJoinable(take(semaphore));
  taker.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(taker.BlockingJoin()));
  EXPECT_EQ(semaphore.available(), 1);
}

TEST_P(SemaphoreTest, WhenABigRequestGivesUpThoseBehindItAreServed) {
  Semaphore semaphore(2);
  JoinHandle<absl::Status> big = Take(semaphore, 3, 3);
  JoinHandle<absl::Status> one = Take(semaphore, 1, 1);
  JoinHandle<absl::Status> two = Take(semaphore, 2, 1);

  big.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(big.BlockingJoin()));
  EXPECT_TRUE(one.finished());
  EXPECT_TRUE(two.finished());
  EXPECT_EQ(semaphore.available(), 0);
}

TEST_P(SemaphoreTest, AGrantThatComesBeforeTheCancellationWins) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, 1);

  semaphore.Release();
  taker.Cancel();
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, ElementsAre(1));
  EXPECT_EQ(semaphore.available(), 0);
}

TEST_P(SemaphoreTest, ACancellationThatComesBeforeTheGrantWins) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, 1);

  taker.Cancel();
  semaphore.Release();
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, IsEmpty());
  EXPECT_TRUE(absl::IsCancelled(taker.BlockingJoin()));
  EXPECT_EQ(semaphore.available(), 1);
}

Task<int> VisitAgain(Semaphore& semaphore, Steps& steps, std::int64_t count) {
  int visits = 0;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<Semaphore::Permit> permit =
        co_await Stepped(steps, semaphore.Acquire(count));
    if (!permit.ok()) break;
    co_await Yield();
    ++visits;
  }
  co_return visits;
}

TEST_P(SemaphoreTest, ACancellationAtAnyStepLosesNoPermit) {
  for (int victim_takes : {1, 3}) {
    for (int n = 1;; ++n) {
      Simulator sim({.seed = GetParam()});
      Semaphore semaphore(3);
      JoinHandle<int> victim;
      Steps steps(n, [&] { victim.Cancel(); });
      victim = sim.SpawnJoinable(VisitAgain(semaphore, steps, victim_takes));
      JoinHandle<int> second =
          sim.SpawnJoinable(VisitAgain(semaphore, steps, 2));
      JoinHandle<int> third =
          sim.SpawnJoinable(VisitAgain(semaphore, steps, 2));

      sim.RunUntilIdle();

      EXPECT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
      EXPECT_EQ(*second.BlockingJoin(), 3) << n;
      EXPECT_EQ(*third.BlockingJoin(), 3) << n;
      EXPECT_EQ(semaphore.available(), 3) << n;
      if (!steps.reached()) {
        EXPECT_EQ(*victim.BlockingJoin(), 3);
        EXPECT_EQ(n, 10);
        break;
      }
    }
  }
}

// --- Closing ----------------------------------------------------------------

TEST_P(SemaphoreTest, ClosingRefusesThoseWhoWaitAndThoseWhoCome) {
  Semaphore semaphore(1);
  JoinHandle<absl::Status> big = Take(semaphore, 2, 2);
  JoinHandle<absl::Status> small = Take(semaphore, 1, 1);

  semaphore.Close();
  sim_.RunUntilIdle();
  JoinHandle<absl::Status> late = Take(semaphore, 3, 1);

  EXPECT_TRUE(absl::IsOutOfRange(big.BlockingJoin()));
  EXPECT_TRUE(absl::IsOutOfRange(small.BlockingJoin()));
  EXPECT_TRUE(absl::IsOutOfRange(late.BlockingJoin()));
  EXPECT_FALSE(semaphore.TryAcquire());
  EXPECT_TRUE(semaphore.closed());
  EXPECT_EQ(semaphore.available(), 1) << "nobody took it";
}

TEST_P(SemaphoreTest, PermitsThatAreOutComeBackToAClosedOne) {
  Semaphore semaphore(2);
  {
    Semaphore::Permit permit = semaphore.TryAcquire(2);
    semaphore.Close();
    EXPECT_EQ(semaphore.available(), 0);
  }

  EXPECT_EQ(semaphore.available(), 2);
}

TEST_P(SemaphoreTest, AGrantThatComesBeforeTheCloseWins) {
  Semaphore semaphore(0);
  JoinHandle<absl::Status> taker = Take(semaphore, 1, 1);

  semaphore.Release();
  semaphore.Close();
  sim_.RunUntilIdle();

  EXPECT_THAT(served_, ElementsAre(1));
}

// --- A holder that fails, a task's turn, a dump -----------------------------

TEST_P(SemaphoreTest, TheSiblingOfAChildThatFailsWithThePermitGetsIt) {
  Semaphore semaphore(1);
  auto fail = [](Semaphore& from) -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(from.Acquire());
    co_await Yield();
    co_await OrReturn(absl::DataLossError("while it had the permit"));
    co_return absl::OkStatus();
  };
  auto take = [](Semaphore& from) -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(from.Acquire());
    co_return absl::OkStatus();
  };
  auto parent = [&]() -> Task<absl::Status> {
    auto [failed, taken] = co_await WhenAll(fail(semaphore), take(semaphore));
    EXPECT_TRUE(absl::IsDataLoss(failed));
    co_return taken;
  };

  EXPECT_EQ(sim_.Run(parent()), absl::OkStatus());

  EXPECT_EQ(semaphore.available(), 1);
}

Task<absl::Status> TakeOne(Semaphore& semaphore) {
  Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
  co_return absl::OkStatus();
}

TEST(SemaphoreBudgetTest, APermitIsTaken128TimesAndThenOthersHaveATurn) {
  Semaphore semaphore(1);

  EXPECT_EQ(TimesBeforeAnotherHasATurn([&] { return TakeOne(semaphore); }),
            128);
}

TEST_P(SemaphoreTest, AWaitSaysWhatItWaitsFor) {
  Semaphore semaphore(0);

  const WaitDescription seen =
      DescribeWaitOf(sim_, [&] { return TakeOne(semaphore); });

  EXPECT_EQ(seen.kind, "semaphore");
  EXPECT_EQ(seen.on, &semaphore);
  semaphore.Release();
  sim_.RunUntilIdle();
}

// --- The end of a runtime ---------------------------------------------------

Task<absl::Status> TakeAndStay(Semaphore& semaphore, std::int64_t count) {
  Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire(count));
  Semaphore never(0);
  Semaphore::Permit nothing = co_await OrReturn(never.Acquire());
  co_return absl::OkStatus();
}

TEST(SemaphoreTeardownTest, ASimulationThatEndsGivesEveryPermitBack) {
  Semaphore semaphore(3);
  for (const bool holder_came_last : {false, true}) {
    std::optional<Simulator> sim(std::in_place);
    if (holder_came_last) {
      sim->Spawn(
          [](Semaphore& from) -> Task<absl::Status> {
            co_await Yield();
            co_await OrReturn(TakeAndStay(from, 2));
            co_return absl::OkStatus();
          },
          std::ref(semaphore));
    }
    sim->Spawn(TakeAndStay(semaphore, 3));
    sim->Spawn(TakeAndStay(semaphore, 1));
    sim->Spawn(TakeAndStay(semaphore, 2));
    sim->RunUntilIdle();
    EXPECT_EQ(semaphore.available(), 0);

    sim.reset();

    EXPECT_EQ(semaphore.available(), 3) << holder_came_last;
  }
}

TEST(SemaphoreTeardownTest, WhoeverIsBehindAWaiterThatDiedIsServed) {
  Semaphore semaphore(2);
  Simulator survivor;
  std::optional<Simulator> doomed(std::in_place);
  doomed->Spawn(TakeAndStay(semaphore, 3));
  doomed->RunUntilIdle();
  bool served = false;
  survivor.Spawn(
      [](Semaphore& from, bool& flag) -> Task<absl::Status> {
        Semaphore::Permit permit = co_await OrReturn(from.Acquire());
        flag = true;
        co_return absl::OkStatus();
      },
      std::ref(semaphore), std::ref(served));
  survivor.RunUntilIdle();
  EXPECT_FALSE(served);

  doomed.reset();
  survivor.RunUntilIdle();

  EXPECT_TRUE(served);
  EXPECT_EQ(semaphore.available(), 2);
}

TEST(SemaphoreTeardownTest, AGrantThatNobodyCouldTakeAnyMoreIsPassedOn) {
  Semaphore semaphore(0);
  Simulator survivor;
  std::optional<Simulator> doomed(std::in_place);
  doomed->Spawn(TakeAndStay(semaphore, 1));
  doomed->RunUntilIdle();
  JoinHandle<absl::Status> taker = survivor.SpawnJoinable(
      [](Semaphore& from) -> Task<absl::Status> {
        Semaphore::Permit permit = co_await OrReturn(from.Acquire());
        co_return absl::OkStatus();
      },
      std::ref(semaphore));
  survivor.RunUntilIdle();
  semaphore.Release();

  doomed.reset();
  survivor.RunUntilIdle();

  EXPECT_TRUE(taker.finished());
  EXPECT_EQ(semaphore.available(), 1);
}

TEST(SemaphoreTeardownTest, ASemaphoreDiesWithTheFrameThatOwnsIt) {
  Simulator sim;
  auto parent = []() -> Task<absl::Status> {
    Semaphore semaphore(1);
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(TakeAndStay, std::ref(semaphore), 1);
          scope.Spawn(TakeAndStay, std::ref(semaphore), 1);
          co_return absl::OkStatus();
        });
    co_return ended;
  };
  sim.Spawn(parent());
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

// --- Broken contracts -------------------------------------------------------

TEST(SemaphoreDeathTest, DestroyingASemaphoreThatIsAwaitedSaysWhatToDo) {
  EXPECT_DEATH(
      {
        Simulator sim;
        auto semaphore = std::make_unique<Semaphore>(0);
        sim.Spawn(TakeAndStay(*semaphore, 1));
        sim.RunUntilIdle();
        semaphore.reset();
      },
      "destroyed while a task waits on it: end the task first");
}

TEST(SemaphoreDeathTest, ReleasingLessThanNothingSaysWhatToDo) {
  Semaphore semaphore(1);

  EXPECT_DEATH(semaphore.Release(-1), "to take permits away, Acquire them");
}

TEST(SemaphoreDeathTest, ReleasingMoreThanCanBeCountedSaysWhatToDo) {
  Semaphore semaphore(1);

  EXPECT_DEATH(semaphore.Release(std::numeric_limits<std::int64_t>::max()),
               "more permits than fit a std::int64_t");
}

}  // namespace
}  // namespace weft::sync
