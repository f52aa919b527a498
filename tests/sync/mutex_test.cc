// Tests of weft::sync::Mutex: who gets the lock, when, and what a cancelled
// wait leaves behind.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/mutex.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/sync/event.h"
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
using ::weft::tests::Seed;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;
using ::weft::tests::TimesBeforeAnotherHasATurn;

class MutexTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, MutexTest, Schedules(), ScheduleName);

struct Log {
  std::vector<int> asked;
  std::vector<int> entered;
  std::vector<int> left;
};

// Holds the lock across a yield, so that a broken lock has room to fail.
Task<absl::Status> Visit(Mutex& mutex, Log& log, int visitor) {
  log.asked.push_back(visitor);
  Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  log.entered.push_back(visitor);
  co_await Yield();
  log.left.push_back(visitor);
  co_return absl::OkStatus();
}

// The lock, held by the test itself until it lets go.
class Held {
 public:
  explicit Held(Mutex& mutex) : guard_(std::in_place, mutex.TryLock()) {
    EXPECT_TRUE(*guard_);
  }
  void Release() { guard_.reset(); }

 private:
  std::optional<Mutex::Guard> guard_;
};

// --- Order ------------------------------------------------------------------

TEST_P(MutexTest, GrantsTheLockInTheOrderItWasAskedFor) {
  Mutex mutex;
  Log log;
  for (int visitor = 0; visitor < 8; ++visitor) {
    sim_.Spawn(Visit(mutex, log, visitor));
  }

  sim_.RunUntilIdle();

  EXPECT_EQ(log.asked.size(), 8u);
  EXPECT_EQ(log.entered, log.asked);
}

TEST_P(MutexTest, LetsOnlyOneInAtATime) {
  Mutex mutex;
  Log log;
  for (int visitor = 0; visitor < 8; ++visitor) {
    sim_.Spawn(Visit(mutex, log, visitor));
  }

  sim_.RunUntilIdle();

  EXPECT_EQ(log.left, log.entered);
}

TEST_P(MutexTest, AFreeLockIsTakenWithoutWaiting) {
  Mutex mutex;
  bool others_ran = false;
  bool ran_alone = false;
  auto lock_twice = [&]() -> Task<absl::Status> {
    {
      Mutex::Guard first = co_await OrReturn(mutex.Lock());
    }
    Mutex::Guard second = co_await OrReturn(mutex.Lock());
    ran_alone = !others_ran;
    co_return absl::OkStatus();
  };
  auto other = [&]() -> Task<> {
    others_ran = true;
    co_return;
  };
  JoinHandle<absl::Status> locker = sim_.SpawnJoinable(lock_twice());
  sim_.RunFor(absl::ZeroDuration());
  sim_.Spawn(other());

  sim_.RunUntilIdle();

  EXPECT_TRUE(ran_alone);
  EXPECT_TRUE(others_ran);
  EXPECT_TRUE(locker.BlockingJoin().ok());
}

TEST(MutexTryLockTest, FailsWhileHeldAndSucceedsAfterRelease) {
  Mutex mutex;
  {
    Mutex::Guard guard = mutex.TryLock();
    ASSERT_TRUE(guard);
    EXPECT_FALSE(mutex.TryLock());
  }
  EXPECT_TRUE(mutex.TryLock());
}

TEST(MutexGuardTest, HandsItsLockOnWhenItMoves) {
  Mutex mutex;
  std::optional<Mutex::Guard> second;
  {
    Mutex::Guard first = mutex.TryLock();
    second.emplace(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): it says so.
  }

  EXPECT_TRUE(*second);
  EXPECT_FALSE(mutex.TryLock());
  second.reset();
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, TryLockDoesNotOvertakeWhoWaits) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  sim_.Spawn(Visit(mutex, log, 1));
  sim_.RunUntilIdle();

  held.Release();

  EXPECT_FALSE(mutex.TryLock());
  EXPECT_THAT(log.entered, IsEmpty());
  sim_.RunUntilIdle();
  EXPECT_THAT(log.entered, ElementsAre(1));
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, TheOneThatUnlocksDoesNotGetTheLockBackBeforeWhoWaits) {
  Mutex mutex;
  std::vector<int> entered;
  auto come_back = [&]() -> Task<absl::Status> {
    for (int i = 0; i < 3; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      entered.push_back(1);
      // Until the other has asked, too.
      for (int turn = 0; turn < 64; ++turn) co_await Yield();
    }
    co_return absl::OkStatus();
  };
  auto wait = [&]() -> Task<absl::Status> {
    while (entered.empty()) co_await Yield();
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    entered.push_back(2);
    co_return absl::OkStatus();
  };
  sim_.Spawn(come_back());
  sim_.Spawn(wait());

  sim_.RunUntilIdle();

  EXPECT_THAT(entered, ElementsAre(1, 2, 1, 1));
}

// --- Cancellation -----------------------------------------------------------

TEST_P(MutexTest, ACancelledTaskDoesNotGetEvenAFreeLock) {
  Mutex mutex;
  Log log;
  JoinHandle<absl::Status> visitor = sim_.SpawnJoinable(Visit(mutex, log, 1));
  visitor.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(visitor.BlockingJoin()));
  EXPECT_THAT(log.entered, IsEmpty());
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, ACancelledWaitLeavesTheQueueAndTheOthersIn) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  std::vector<JoinHandle<absl::Status>> visitors;
  for (int visitor = 0; visitor < 3; ++visitor) {
    visitors.push_back(sim_.SpawnJoinable(Visit(mutex, log, visitor)));
  }
  sim_.RunUntilIdle();
  const int second = log.asked[1];

  visitors[second].Cancel();
  sim_.RunUntilIdle();
  EXPECT_TRUE(visitors[second].finished());
  held.Release();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(visitors[second].BlockingJoin()));
  EXPECT_THAT(log.entered, ElementsAre(log.asked[0], log.asked[2]));
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, EveryPlaceInTheQueueCanBeLeft) {
  for (int leaver = 0; leaver < 4; ++leaver) {
    Mutex mutex;
    Log log;
    Held held(mutex);
    std::vector<JoinHandle<absl::Status>> visitors;
    for (int visitor = 0; visitor < 4; ++visitor) {
      visitors.push_back(sim_.SpawnJoinable(Visit(mutex, log, visitor)));
    }
    sim_.RunUntilIdle();

    visitors[log.asked[leaver]].Cancel();
    held.Release();
    sim_.RunUntilIdle();

    std::vector<int> expected = log.asked;
    expected.erase(expected.begin() + leaver);
    EXPECT_EQ(log.entered, expected) << leaver;
  }
}

TEST_P(MutexTest, AfterTheOnlyWaiterLeftTheOwnerCanStillUnlock) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  JoinHandle<absl::Status> visitor = sim_.SpawnJoinable(Visit(mutex, log, 1));
  sim_.RunUntilIdle();
  visitor.Cancel();
  sim_.RunUntilIdle();
  EXPECT_FALSE(mutex.TryLock());

  held.Release();

  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, AWakeThatComesBeforeTheCancellationWins) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  JoinHandle<absl::Status> visitor = sim_.SpawnJoinable(Visit(mutex, log, 1));
  sim_.RunUntilIdle();

  held.Release();
  visitor.Cancel();
  sim_.RunUntilIdle();

  EXPECT_THAT(log.entered, ElementsAre(1));
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, ACancellationThatComesBeforeTheWakeWins) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  JoinHandle<absl::Status> visitor = sim_.SpawnJoinable(Visit(mutex, log, 1));
  sim_.RunUntilIdle();

  visitor.Cancel();
  held.Release();
  EXPECT_TRUE(mutex.TryLock());
  sim_.RunUntilIdle();

  EXPECT_THAT(log.entered, IsEmpty());
  EXPECT_TRUE(absl::IsCancelled(visitor.BlockingJoin()));
}

// Locks a few times, and says how often it was in.
Task<int> VisitAgain(Mutex& mutex, Steps& steps, bool& occupied) {
  int visits = 0;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<Mutex::Guard> guard = co_await Stepped(steps, mutex.Lock());
    if (!guard.ok()) break;
    EXPECT_FALSE(std::exchange(occupied, true));
    co_await Yield();
    occupied = false;
    ++visits;
  }
  co_return visits;
}

TEST_P(MutexTest, ACancellationAtAnyStepLeavesTheLockFreeInTheEnd) {
  for (int n = 1;; ++n) {
    Simulator sim({.seed = GetParam()});
    Mutex mutex;
    bool occupied = false;
    JoinHandle<int> victim;
    Steps steps(n, [&] { victim.Cancel(); });
    victim = sim.SpawnJoinable(VisitAgain(mutex, steps, occupied));
    JoinHandle<int> second =
        sim.SpawnJoinable(VisitAgain(mutex, steps, occupied));
    JoinHandle<int> third =
        sim.SpawnJoinable(VisitAgain(mutex, steps, occupied));

    sim.RunUntilIdle();

    EXPECT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
    EXPECT_EQ(*second.BlockingJoin(), 3) << n;
    EXPECT_EQ(*third.BlockingJoin(), 3) << n;
    EXPECT_TRUE(mutex.TryLock()) << n;
    if (!steps.reached()) {
      EXPECT_EQ(*victim.BlockingJoin(), 3);
      EXPECT_EQ(n, 10);
      break;
    }
    EXPECT_LE(*victim.BlockingJoin(), 3);
  }
}

TEST_P(MutexTest, CancellingEverybodyAtAnyStepLeavesTheLockFreeInTheEnd) {
  for (int n = 1;; ++n) {
    Simulator sim({.seed = GetParam()});
    Mutex mutex;
    bool occupied = false;
    std::vector<JoinHandle<int>> everybody;
    Steps steps(n, [&] {
      for (JoinHandle<int>& one : everybody) one.Cancel();
    });
    for (int i = 0; i < 3; ++i) {
      everybody.push_back(
          sim.SpawnJoinable(VisitAgain(mutex, steps, occupied)));
    }

    sim.RunUntilIdle();

    EXPECT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
    EXPECT_TRUE(mutex.TryLock()) << n;
    if (!steps.reached()) break;
  }
}

// --- A holder that fails ----------------------------------------------------

Task<absl::Status> FailWithTheLock(Mutex& mutex) {
  Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  co_await Yield();
  co_await OrReturn(absl::DataLossError("while it held the lock"));
  co_return absl::OkStatus();
}

TEST_P(MutexTest, TheSiblingOfAChildThatFailsWithTheLockGetsIt) {
  Mutex mutex;
  Log log;
  auto parent = [&]() -> Task<absl::Status> {
    auto [failed, visited] =
        co_await WhenAll(FailWithTheLock(mutex), Visit(mutex, log, 1));
    EXPECT_TRUE(absl::IsDataLoss(failed));
    co_return visited;
  };

  EXPECT_EQ(sim_.Run(parent()), absl::OkStatus());

  EXPECT_THAT(log.entered, ElementsAre(1));
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, AChildThatFailsWithTheLockInAScopeDoesNotKeepIt) {
  Mutex mutex;
  Log log;
  auto parent = [&]() -> Task<absl::Status> {
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(FailWithTheLock, std::ref(mutex));
          scope.Spawn(Visit, std::ref(mutex), std::ref(log), 1);
          co_return absl::OkStatus();
        });
    co_return ended;
  };

  EXPECT_TRUE(absl::IsDataLoss(sim_.Run(parent())));

  EXPECT_EQ(log.left, log.entered);
  EXPECT_TRUE(mutex.TryLock());
}

// --- A task's turn ----------------------------------------------------------

TEST(MutexBudgetTest, AFreeLockIsTaken128TimesAndThenOthersHaveATurn) {
  Mutex mutex;
  auto lock = [&]() -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(TimesBeforeAnotherHasATurn(lock), 128);
}

// Spends its turn's operations; the next one begins in the queue.
Task<absl::Status> SpendBudget() {
  for (int i = 0; i < 128; ++i) {
    Mutex mine;
    Mutex::Guard guard = co_await OrReturn(mine.Lock());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> VisitWhenSpent(Mutex& mutex, Log& log, int visitor) {
  co_await OrReturn(SpendBudget());
  co_await OrReturn(Visit(mutex, log, visitor));
  co_return absl::OkStatus();
}

TEST_P(MutexTest, AWaitThatBeganInTheQueueParksAndIsServed) {
  Mutex mutex;
  Log log;
  Held held(mutex);
  sim_.Spawn(VisitWhenSpent(mutex, log, 1));
  sim_.RunUntilIdle();
  EXPECT_THAT(log.asked, ElementsAre(1));
  EXPECT_THAT(log.entered, IsEmpty());

  held.Release();
  sim_.RunUntilIdle();

  EXPECT_THAT(log.entered, ElementsAre(1));
  EXPECT_TRUE(mutex.TryLock());
}

TEST_P(MutexTest, AWaitThatBeganInTheQueueCanBeCancelledThere) {
  Mutex mutex;
  Log log;
  JoinHandle<absl::Status> visitor;
  auto cancel = [&]() -> Task<> {
    while (log.asked.empty()) co_await Yield();
    visitor.Cancel();
  };
  visitor = sim_.SpawnJoinable(VisitWhenSpent(mutex, log, 1));
  sim_.Spawn(cancel());

  sim_.RunUntilIdle();

  // Whichever of the two ran first after the turn was spent.
  const bool entered = !log.entered.empty();
  EXPECT_EQ(absl::IsCancelled(visitor.BlockingJoin()), !entered);
  EXPECT_TRUE(mutex.TryLock());
}

// --- What a dump sees -------------------------------------------------------

TEST_P(MutexTest, AWaitSaysWhatItWaitsFor) {
  Mutex mutex;
  auto lock = [&]() -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_return absl::OkStatus();
  };
  Held held(mutex);

  const WaitDescription seen = DescribeWaitOf(sim_, lock);

  EXPECT_EQ(seen.kind, "mutex");
  EXPECT_EQ(seen.on, &mutex);
  held.Release();
  sim_.RunUntilIdle();
}

// --- The end of a runtime ---------------------------------------------------

Task<absl::Status> LockAndStay(Mutex& mutex) {
  Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  Mutex never;
  Mutex::Guard first = never.TryLock();
  // Waits for itself.
  Mutex::Guard second = co_await OrReturn(never.Lock());
  co_return absl::OkStatus();
}

Task<absl::Status> LockLater(Mutex& mutex) {
  co_await Yield();
  Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  co_return absl::OkStatus();
}

TEST(MutexTeardownTest, AMutexOutlivesASimulationWhoseTasksWaitForIt) {
  Mutex mutex;
  for (const bool holder_came_last : {false, true}) {
    std::optional<Simulator> sim(std::in_place);
    if (holder_came_last) sim->Spawn(LockLater(mutex));
    sim->Spawn(LockAndStay(mutex));
    sim->Spawn(LockLater(mutex));
    sim->Spawn(LockLater(mutex));
    sim->RunUntilIdle();
    EXPECT_FALSE(mutex.TryLock());

    sim.reset();

    EXPECT_TRUE(mutex.TryLock()) << holder_came_last;
  }
}

TEST(MutexTeardownTest, SiblingsInAScopeDieInAnyOrder) {
  for (const bool holder_came_last : {false, true}) {
    Mutex mutex;
    Simulator sim;
    auto parent = [](Mutex& mutex, bool holder_last) -> Task<absl::Status> {
      absl::Status ended =
          co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
            if (holder_last) scope.Spawn(LockLater, std::ref(mutex));
            scope.Spawn(LockAndStay, std::ref(mutex));
            if (!holder_last) scope.Spawn(LockLater, std::ref(mutex));
            co_return absl::OkStatus();
          });
      co_return ended;
    };
    sim.Spawn(parent(mutex, holder_came_last));
    sim.RunUntilIdle();
    EXPECT_TRUE(sim.AnyTasks());
  }
}

TEST(MutexTeardownTest, BranchesOfAForkDieInAnyOrder) {
  for (const bool holder_first : {false, true}) {
    Mutex mutex;
    Simulator sim;
    auto parent = [](Mutex& mutex, bool first) -> Task<> {
      if (first) {
        co_await WhenAll(LockAndStay(mutex), LockLater(mutex));
      } else {
        co_await WhenAll(LockLater(mutex), LockAndStay(mutex));
      }
    };
    sim.Spawn(parent(mutex, holder_first));
    sim.RunUntilIdle();
    EXPECT_TRUE(sim.AnyTasks());
  }
}

TEST(MutexTeardownTest, AMutexDiesWithTheFrameThatOwnsIt) {
  Simulator sim;
  auto parent = []() -> Task<absl::Status> {
    Mutex mutex;
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(LockAndStay, std::ref(mutex));
          scope.Spawn(LockLater, std::ref(mutex));
          co_return absl::OkStatus();
        });
    co_return ended;
  };
  sim.Spawn(parent());
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

TEST(MutexTeardownTest, AGrantThatNobodyCouldTakeAnyMoreIsHandedOn) {
  Mutex mutex;
  Log log;
  Simulator survivor;
  std::optional<Simulator> doomed(std::in_place);
  Held held(mutex);
  doomed->Spawn(Visit(mutex, log, 1));
  doomed->RunUntilIdle();
  survivor.Spawn(Visit(mutex, log, 2));
  survivor.RunUntilIdle();
  held.Release();

  doomed.reset();
  survivor.RunUntilIdle();

  EXPECT_THAT(log.entered, ElementsAre(2));
  EXPECT_TRUE(mutex.TryLock());
}

// Owns a lock, holds it, and joins whom it lent it to; so it may be destroyed
// before those are.
Task<absl::Status> OwnAndLend(JoinHandle<absl::Status>* borrowers) {
  Mutex mutex;
  for (int i = 0; i < 2; ++i) {
    borrowers[i] = Spawn(LockLater, std::ref(mutex));
  }
  co_await OrReturn(LockAndStay(mutex));
  for (int i = 0; i < 2; ++i) co_await OrReturn(borrowers[i].Join());
  co_return absl::OkStatus();
}

TEST(MutexTeardownTest, AnOwnerMayDieBeforeThoseItLentTheLockTo) {
  JoinHandle<absl::Status> borrowers[2];
  Simulator sim;
  sim.Spawn(
      [](JoinHandle<absl::Status>* lent) -> Task<absl::Status> {
        co_await Yield();
        co_await OrReturn(OwnAndLend(lent));
        co_return absl::OkStatus();
      },
      borrowers);
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

TEST(MutexTeardownTest, ALongQueueDiesOnAFlatStack) {
  constexpr int kMany = 200'000;
  Mutex mutex;
  std::optional<Simulator> sim(std::in_place);
  sim->Spawn(LockAndStay(mutex));
  auto lock = [](Mutex& wanted) -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(wanted.Lock());
    co_return absl::OkStatus();
  };
  for (int i = 0; i < kMany; ++i) sim->Spawn(lock(mutex));
  sim->RunUntilIdle();

  sim.reset();

  EXPECT_TRUE(mutex.TryLock());
}

// --- Broken contracts -------------------------------------------------------

TEST(MutexDeathTest, DestroyingALockedMutexSaysWhatToDo) {
  EXPECT_DEATH(
      {
        std::optional<Mutex> mutex(std::in_place);
        const Mutex::Guard guard = mutex->TryLock();
        mutex.reset();
      },
      "destroyed while it is locked: let its Guard go first");
}

// --- Whom others wait for ---------------------------------------------------

TEST(MutexHolderTest, NamesTheTaskThatHoldsItToThoseWhoWait) {
  Simulator sim;
  Mutex mutex;
  Event enough;
  auto hold = [&]() -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_return co_await enough.Wait();
  };

  auto first = sim.SpawnJoinable(hold());
  auto second = sim.SpawnJoinable(hold());
  sim.RunUntilIdle();

  EXPECT_EQ(mutex.holder(), first.task_id());
  WaitDescription seen;
  second.task().Look([&](Leaf& leaf) { seen = leaf.Describe(); });
  EXPECT_EQ(seen.kind, "mutex");
  EXPECT_EQ(seen.held_by_task, first.task_id());
  enough.Set();
  sim.RunUntilIdle();
  EXPECT_EQ(mutex.holder(), 0u);
}

TEST(MutexHolderTest, IsTheTaskWhateverScopesItIsIn) {
  Mutex mutex;
  Mutex other;
  weft::testing::Simulator sim;  // Ends the tasks.
  auto lock = [](Mutex& which) -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(which.Lock());
    co_return co_await SleepFor(absl::Seconds(1));
  };
  auto both = [&]() -> Task<absl::Status> {
    auto [left, right] = co_await WhenAll(lock(mutex), lock(other));
    co_return left.ok() ? right : left;
  };

  auto task = sim.SpawnJoinable([&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(absl::Hours(1), both());
  });
  sim.RunFor(absl::Milliseconds(1));

  EXPECT_EQ(mutex.holder(), task.task_id());
  EXPECT_EQ(other.holder(), task.task_id());
}

// A fork that nobody knows of yet, since none of its branches has waited.
TEST(MutexHolderTest, IsTheTaskInABranchThatHasNotWaited) {
  weft::testing::Simulator sim;
  Mutex mutex;
  std::uint64_t seen = 0;
  auto take = [&]() -> Task<> {
    const Mutex::Guard guard = mutex.TryLock();
    seen = mutex.holder();
    co_return;
  };
  auto nothing = []() -> Task<> { co_return; };

  auto task = sim.SpawnJoinable(
      [&]() -> Task<> { co_await WhenAll(take(), nothing()); });
  sim.RunUntilIdle();

  EXPECT_EQ(seen, task.task_id());
}

TEST(MutexHolderTest, IsNobodyOutsideOfTasks) {
  Mutex mutex;

  const Mutex::Guard guard = mutex.TryLock();

  EXPECT_EQ(mutex.holder(), 0u);
}

}  // namespace
}  // namespace weft::sync
