// Tests of weft::sync::Event: set before, during and after a wait, set again,
// and gone the moment that somebody saw it set.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/event.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/steps.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;
using ::weft::tests::TimesBeforeAnotherHasATurn;

class EventTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, EventTest, Schedules(), ScheduleName);

Task<absl::Status> WaitFor(Event& event) {
  absl::Status waited = co_await event.Wait();
  co_return waited;
}

// --- Set --------------------------------------------------------------------

TEST_P(EventTest, WakesEverybodyWhoWaits) {
  Event event;
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int i = 0; i < 5; ++i) {
    waiters.push_back(sim_.SpawnJoinable(WaitFor(event)));
  }
  sim_.RunUntilIdle();
  for (auto& waiter : waiters) EXPECT_FALSE(waiter.finished());

  event.Set();
  sim_.RunUntilIdle();

  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
  }
}

TEST_P(EventTest, AWaitForAnEventThatIsSetDoesNotSuspend) {
  Event event;
  event.Set();
  bool others_ran = false;
  auto wait = [&]() -> Task<bool> {
    absl::Status waited = co_await event.Wait();
    EXPECT_EQ(waited, absl::OkStatus());
    co_return others_ran;
  };
  auto run_both = [&]() -> Task<bool> {
    JoinHandle<void> other = Spawn(
        [](bool& flag) -> Task<> {
          flag = true;
          co_return;
        },
        std::ref(others_ran));
    bool seen = co_await wait();
    absl::Status joined = co_await other.Join();
    EXPECT_EQ(joined, absl::OkStatus());
    co_return seen;
  };

  EXPECT_EQ(*sim_.Run(run_both()), false);
}

TEST_P(EventTest, StaysSetUntilItIsReset) {
  Event event;
  EXPECT_FALSE(event.is_set());

  event.Set();
  event.Set();
  EXPECT_TRUE(event.is_set());
  EXPECT_EQ(sim_.Run(WaitFor(event)), absl::OkStatus());
  EXPECT_EQ(sim_.Run(WaitFor(event)), absl::OkStatus());
  event.Reset();

  EXPECT_FALSE(event.is_set());
}

TEST_P(EventTest, AResetMakesLaterWaitsWaitAgain) {
  Event event;
  event.Set();
  event.Reset();
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(event));
  sim_.RunUntilIdle();
  EXPECT_FALSE(waiter.finished());

  event.Set();
  sim_.RunUntilIdle();

  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
}

TEST_P(EventTest, WhoWasWokenStaysSoWhenTheEventIsResetAtOnce) {
  Event event;
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(event));
  sim_.RunUntilIdle();

  event.Set();
  event.Reset();
  sim_.RunUntilIdle();

  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
  EXPECT_FALSE(event.is_set());
}

TEST_P(EventTest, AWaiterMayDestroyTheEventThatItSawSet) {
  auto event = std::make_unique<Event>();
  auto wait_and_destroy = [&]() -> Task<absl::Status> {
    absl::Status waited = co_await event->Wait();
    event.reset();
    co_return waited;
  };
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(wait_and_destroy());
  sim_.RunUntilIdle();

  event->Set();
  sim_.RunUntilIdle();

  EXPECT_EQ(event, nullptr);
  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
}

// --- Cancellation -----------------------------------------------------------

TEST_P(EventTest, ACancelledTaskDoesNotSeeEvenAnEventThatIsSet) {
  Event event;
  event.Set();
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(event));
  waiter.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
}

TEST_P(EventTest, ACancelledWaitEndsAndTheOthersGoOn) {
  Event event;
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(sim_.SpawnJoinable(WaitFor(event)));
  }
  sim_.RunUntilIdle();

  waiters[1].Cancel();
  sim_.RunUntilIdle();
  EXPECT_FALSE(waiters[0].finished());
  EXPECT_TRUE(absl::IsCancelled(waiters[1].BlockingJoin()));
  EXPECT_FALSE(waiters[2].finished());
  event.Set();
  sim_.RunUntilIdle();

  EXPECT_EQ(waiters[0].BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(waiters[2].BlockingJoin(), absl::OkStatus());
}

TEST_P(EventTest, ASetThatComesBeforeTheCancellationWins) {
  Event event;
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(event));
  sim_.RunUntilIdle();

  event.Set();
  waiter.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
}

TEST_P(EventTest, ACancellationThatComesBeforeTheSetWins) {
  Event event;
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(event));
  sim_.RunUntilIdle();

  waiter.Cancel();
  event.Set();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
}

TEST_P(EventTest, ADeadlineEndsAWaitThatNobodySets) {
  Event event;
  auto wait = [&]() -> Task<absl::Status> {
    absl::Status waited =
        co_await WithTimeout(absl::Seconds(1), WaitFor(event));
    co_return waited;
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim_.Run(wait())));
}

TEST_P(EventTest, ACancellationAtAnyStepEndsTheWaitOrFindsItOver) {
  for (int n = 1;; ++n) {
    Simulator sim({.seed = GetParam()});
    Event request;
    Event reply;
    JoinHandle<absl::Status> victim;
    Steps steps(n, [&] { victim.Cancel(); });
    auto ask = [&]() -> Task<absl::Status> {
      request.Set();
      absl::Status waited = co_await Stepped(steps, reply.Wait());
      co_return waited;
    };
    auto answer = [&]() -> Task<absl::Status> {
      absl::Status waited = co_await Stepped(steps, request.Wait());
      reply.Set();
      steps.Take();
      co_return waited;
    };
    victim = sim.SpawnJoinable(ask());
    JoinHandle<absl::Status> answerer = sim.SpawnJoinable(answer());

    sim.RunUntilIdle();

    ASSERT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
    EXPECT_EQ(answerer.BlockingJoin(), absl::OkStatus()) << n;
    if (!steps.reached()) {
      EXPECT_EQ(victim.BlockingJoin(), absl::OkStatus());
      EXPECT_EQ(n, 4);
      break;
    }
  }
}

// --- A task's turn, a dump --------------------------------------------------

TEST(EventBudgetTest, ASetEventIsSeen128TimesAndThenOthersHaveATurn) {
  Event event;
  event.Set();

  EXPECT_EQ(TimesBeforeAnotherHasATurn([&] { return WaitFor(event); }), 128);
}

TEST_P(EventTest, AWaitSaysWhatItWaitsFor) {
  Event event;

  const WaitDescription seen =
      DescribeWaitOf(sim_, [&] { return WaitFor(event); });

  EXPECT_EQ(seen.kind, "event");
  EXPECT_EQ(seen.on, &event);
  event.Set();
  sim_.RunUntilIdle();
}

// --- The end of a runtime ---------------------------------------------------

TEST(EventTeardownTest, AnEventOutlivesASimulationWhoseTasksWaitForIt) {
  Event event;
  std::optional<Simulator> sim(std::in_place);
  for (int i = 0; i < 3; ++i) sim->Spawn(WaitFor(event));
  sim->RunUntilIdle();

  sim.reset();

  event.Set();
  EXPECT_TRUE(event.is_set());
}

TEST(EventTeardownTest, TasksThatWereWokenAndDidNotRunAnyMoreDieQuietly) {
  Event event;
  std::optional<Simulator> sim(std::in_place);
  for (int i = 0; i < 3; ++i) sim->Spawn(WaitFor(event));
  sim->RunUntilIdle();
  event.Set();

  sim.reset();

  EXPECT_TRUE(event.is_set());
}

TEST(EventTeardownTest, AnEventDiesWithTheFrameThatOwnsIt) {
  Simulator sim;
  auto parent = []() -> Task<absl::Status> {
    Event event;
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(WaitFor, std::ref(event));
          scope.Spawn(WaitFor, std::ref(event));
          co_return absl::OkStatus();
        });
    co_return ended;
  };
  sim.Spawn(parent());
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

// --- Broken contracts -------------------------------------------------------

TEST(EventDeathTest, DestroyingAnEventThatIsAwaitedSaysWhatToDo) {
  EXPECT_DEATH(
      {
        Simulator sim;
        auto event = std::make_unique<Event>();
        sim.Spawn(WaitFor(*event));
        sim.RunUntilIdle();
        event.reset();
      },
      "destroyed while a task waits on it: end the task first");
}

}  // namespace
}  // namespace weft::sync
