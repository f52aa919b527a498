// Tests of weft::sync::ConditionVariable: it waits for a predicate, and the
// lock is held again on every way out.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/condition_variable.h"

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/sync/mutex.h"
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

// A queue under a mutex, as the textbooks have it.
struct Jobs {
  Mutex mutex;
  ConditionVariable changed;
  std::deque<int> queue;  // Guarded by mutex, as the next.
  bool closed = false;
};

Task<absl::Status> Put(Jobs& jobs, int job) {
  Mutex::Guard guard = co_await OrReturn(jobs.mutex.Lock());
  jobs.queue.push_back(job);
  jobs.changed.NotifyOne();
  co_return absl::OkStatus();
}

Task<absl::Status> Close(Jobs& jobs) {
  Mutex::Guard guard = co_await OrReturn(jobs.mutex.Lock());
  jobs.closed = true;
  jobs.changed.NotifyAll();
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> Get(Jobs& jobs) {
  Mutex::Guard guard = co_await OrReturn(jobs.mutex.Lock());
  auto is_ready = [&jobs] { return !jobs.queue.empty() || jobs.closed; };
  const absl::Status waited = co_await jobs.changed.Wait(guard, is_ready);
  EXPECT_TRUE(guard) << "held again on every way out";
  EXPECT_FALSE(jobs.mutex.TryLock());
  co_await OrReturn(waited);
  if (jobs.queue.empty()) co_return absl::OutOfRangeError("closed");
  const int job = jobs.queue.front();
  jobs.queue.pop_front();
  co_return job;
}

class ConditionVariableTest : public SeededTest {
 protected:
  JoinHandle<absl::StatusOr<int>> Getter() {
    auto getter = sim_.SpawnJoinable(Get(jobs_));
    sim_.RunUntilIdle();
    return getter;
  }

  Jobs jobs_;
};
INSTANTIATE_TEST_SUITE_P(Any, ConditionVariableTest, Schedules(), ScheduleName);

// --- Waiting for a predicate ------------------------------------------------

TEST_P(ConditionVariableTest, DoesNotWaitForWhatIsTrueAlready) {
  jobs_.queue.push_back(7);

  EXPECT_EQ(*sim_.Run(Get(jobs_)), 7);
}

TEST_P(ConditionVariableTest, LetsOthersHaveTheLockWhileItWaits) {
  auto getter = Getter();
  EXPECT_FALSE(getter.finished());
  EXPECT_TRUE(jobs_.mutex.TryLock());

  EXPECT_EQ(sim_.Run(Put(jobs_, 1)), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_EQ(*getter.BlockingJoin(), 1);
}

TEST_P(ConditionVariableTest, NotifyOneWakesTheOneThatHasWaitedLongest) {
  auto first = Getter();
  auto second = Getter();

  EXPECT_EQ(sim_.Run(Put(jobs_, 1)), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_TRUE(first.finished());
  EXPECT_FALSE(second.finished());
  EXPECT_EQ(sim_.Run(Put(jobs_, 2)), absl::OkStatus());
  sim_.RunUntilIdle();
  EXPECT_EQ(*second.BlockingJoin(), 2);
}

TEST_P(ConditionVariableTest, NotifyAllWakesEverybodyWhoWaits) {
  std::vector<JoinHandle<absl::StatusOr<int>>> getters;
  for (int i = 0; i < 3; ++i) getters.push_back(Getter());

  EXPECT_EQ(sim_.Run(Close(jobs_)), absl::OkStatus());
  sim_.RunUntilIdle();

  for (auto& getter : getters) {
    EXPECT_TRUE(absl::IsOutOfRange(getter.BlockingJoin().status()));
  }
}

TEST_P(ConditionVariableTest, WhoIsWokenForNothingWaitsOn) {
  auto getter = Getter();

  jobs_.changed.NotifyAll();
  sim_.RunUntilIdle();

  EXPECT_FALSE(getter.finished());
  EXPECT_TRUE(jobs_.mutex.TryLock());
  EXPECT_EQ(sim_.Run(Put(jobs_, 1)), absl::OkStatus());
  sim_.RunUntilIdle();
  EXPECT_EQ(*getter.BlockingJoin(), 1);
}

TEST_P(ConditionVariableTest, ANotificationThatNobodyWaitsForIsForgotten) {
  jobs_.changed.NotifyOne();

  auto getter = Getter();

  EXPECT_FALSE(getter.finished());
  EXPECT_EQ(sim_.Run(Close(jobs_)), absl::OkStatus());
  sim_.RunUntilIdle();
}

// --- Cancellation -----------------------------------------------------------

TEST_P(ConditionVariableTest, ACancelledWaitHoldsTheLockWhenItReturns) {
  auto getter = Getter();

  getter.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(getter.BlockingJoin().status()));
  EXPECT_TRUE(jobs_.mutex.TryLock()) << "and lets it go then";
}

TEST_P(ConditionVariableTest, ACancelledWaitWaitsForTheLockOfAnother) {
  auto getter = Getter();
  Mutex::Guard guard = jobs_.mutex.TryLock();

  getter.Cancel();
  sim_.RunUntilIdle();
  EXPECT_FALSE(getter.finished());
  guard.Unlock();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(getter.BlockingJoin().status()));
}

TEST_P(ConditionVariableTest, ACancelledTaskDoesNotEvenLetTheLockGo) {
  bool was_free = false;
  auto wait = [&]() -> Task<absl::Status> {
    Mutex::Guard guard = jobs_.mutex.TryLock();
    auto never = [] { return false; };
    const absl::Status waited = co_await jobs_.changed.Wait(guard, never);
    was_free = !guard;
    co_return waited;
  };
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(wait());
  waiter.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
  EXPECT_FALSE(was_free);
}

TEST_P(ConditionVariableTest, APredicateThatHoldsAtTheLastMomentCounts) {
  auto getter = Getter();
  Mutex::Guard guard = jobs_.mutex.TryLock();

  getter.Cancel();
  jobs_.queue.push_back(5);
  guard.Unlock();
  sim_.RunUntilIdle();

  EXPECT_EQ(*getter.BlockingJoin(), 5);
}

TEST_P(ConditionVariableTest, ADeadlineEndsAWaitWithTheLockHeld) {
  auto impatient = [&]() -> Task<absl::Status> {
    absl::StatusOr<int> job =
        co_await WithTimeout(absl::Seconds(1), Get(jobs_));
    co_return job.status();
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim_.Run(impatient())));
  EXPECT_TRUE(jobs_.mutex.TryLock());
}

// A job is lost where a getter that was notified goes without taking it.
TEST_P(ConditionVariableTest, ACancellationAtAnyStepLosesNoJob) {
  for (int n = 0;; ++n) {
    Simulator sim({.seed = GetParam()});
    Jobs jobs;
    JoinHandle<absl::StatusOr<int>> victim = sim.SpawnJoinable(Get(jobs));
    JoinHandle<absl::StatusOr<int>> other = sim.SpawnJoinable(Get(jobs));
    sim.Spawn(Put(jobs, 1));
    sim.Spawn(Put(jobs, 2));
    int steps = 0;
    while (steps < n && sim.RunOneStep()) ++steps;
    const bool over = victim.finished();
    victim.Cancel();

    sim.RunUntilIdle();

    EXPECT_TRUE(other.finished()) << "hangs after a cancellation at " << n;
    const absl::StatusOr<int> got = victim.BlockingJoin();
    EXPECT_EQ(jobs.queue.size(), got.ok() ? 0u : 1u) << n;
    EXPECT_TRUE(jobs.mutex.TryLock()) << n;
    if (over) break;
  }
}

// --- A dump, the end of a runtime -------------------------------------------

TEST_P(ConditionVariableTest, AWaitSaysWhatItWaitsFor) {
  const WaitDescription seen =
      DescribeWaitOf(sim_, [&]() -> Task<absl::Status> {
        co_return (co_await Get(jobs_)).status();
      });

  EXPECT_EQ(seen.kind, "condition variable");
  EXPECT_EQ(seen.on, &jobs_.changed);
  EXPECT_EQ(sim_.Run(Close(jobs_)), absl::OkStatus());
  sim_.RunUntilIdle();
}

TEST(ConditionVariableTeardownTest, ASimulationThatEndsLeavesTheLockFree) {
  Jobs jobs;
  std::optional<Simulator> sim(std::in_place);
  sim->Spawn(Get(jobs));
  sim->Spawn(Get(jobs));
  sim->RunUntilIdle();

  sim.reset();

  EXPECT_TRUE(jobs.mutex.TryLock());
}

TEST(ConditionVariableTeardownTest, ANotificationOfOneThatDiedIsHandedOn) {
  Jobs jobs;
  Simulator survivor;
  std::optional<Simulator> sim(std::in_place);
  sim->Spawn(Get(jobs));
  sim->RunUntilIdle();
  auto other = survivor.SpawnJoinable(Get(jobs));
  survivor.RunUntilIdle();

  jobs.queue.push_back(1);
  jobs.changed.NotifyOne();
  sim.reset();
  survivor.RunUntilIdle();

  EXPECT_EQ(*other.BlockingJoin(), 1);
}

TEST(ConditionVariableDeathTest, DestroyingOneThatIsAwaitedSaysWhatToDo) {
  EXPECT_DEATH(
      {
        Simulator sim;
        Mutex mutex;
        std::optional<ConditionVariable> changed(std::in_place);
        auto wait = [&]() -> Task<absl::Status> {
          Mutex::Guard guard = mutex.TryLock();
          co_return co_await changed->Wait(guard, [] { return false; });
        };
        sim.Spawn(wait());
        sim.RunUntilIdle();
        changed.reset();
      },
      "destroyed while a task waits");
}

}  // namespace
}  // namespace weft::sync
