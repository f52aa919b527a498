// Tests of weft::sync::OneShot: one value, or the news that none will come, in
// whatever order the two ends act.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/one_shot.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
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

class OneShotTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, OneShotTest, Schedules(), ScheduleName);

template <typename T>
Task<absl::StatusOr<T>> ReceiveFrom(OneShotReceiver<T>& receiver) {
  absl::StatusOr<T> received = co_await receiver.Receive();
  co_return received;
}

// --- A value ----------------------------------------------------------------

TEST_P(OneShotTest, GivesAValueThatWasSentBefore) {
  auto [sender, receiver] = MakeOneShot<int>();

  EXPECT_TRUE(sender.Send(7));

  EXPECT_EQ(*sim_.Run(ReceiveFrom(receiver)), 7);
}

TEST_P(OneShotTest, GivesAValueToWhoWaitsForIt) {
  auto [sender, receiver] = MakeOneShot<int>();
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(receiver));
  sim_.RunUntilIdle();
  EXPECT_FALSE(waiter.finished());

  EXPECT_TRUE(sender.Send(7));
  sim_.RunUntilIdle();

  EXPECT_EQ(*waiter.BlockingJoin(), 7);
}

TEST_P(OneShotTest, MovesWhatCannotBeCopied) {
  auto [sender, receiver] = MakeOneShot<std::unique_ptr<int>>();
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(receiver));
  sim_.RunUntilIdle();

  EXPECT_TRUE(sender.Send(std::make_unique<int>(7)));
  sim_.RunUntilIdle();

  EXPECT_EQ(**waiter.BlockingJoin(), 7);
}

TEST_P(OneShotTest, GivesTheValueAfterTheSenderIsGone) {
  std::optional<OneShotReceiver<int>> kept;
  {
    auto [sender, receiver] = MakeOneShot<int>();
    EXPECT_TRUE(sender.Send(7));
    kept.emplace(std::move(receiver));
  }

  EXPECT_EQ(*sim_.Run(ReceiveFrom(*kept)), 7);
}

TEST_P(OneShotTest, GivesTheValueOnce) {
  auto [sender, receiver] = MakeOneShot<int>();
  EXPECT_TRUE(sender.Send(7));
  EXPECT_EQ(*sim_.Run(ReceiveFrom(receiver)), 7);

  absl::StatusOr<int> again = sim_.Run(ReceiveFrom(receiver));

  EXPECT_TRUE(absl::IsOutOfRange(again.status()));
}

TEST_P(OneShotTest, OfTwoWhoWaitOneGetsTheValueAndTheOtherLearnsThatItIsGone) {
  auto [sender, receiver] = MakeOneShot<int>();
  auto first = sim_.SpawnJoinable(ReceiveFrom(receiver));
  auto second = sim_.SpawnJoinable(ReceiveFrom(receiver));
  sim_.RunUntilIdle();

  EXPECT_TRUE(sender.Send(7));
  sim_.RunUntilIdle();

  ASSERT_TRUE(first.finished());
  ASSERT_TRUE(second.finished());
  absl::StatusOr<int> one = first.BlockingJoin();
  absl::StatusOr<int> other = second.BlockingJoin();
  EXPECT_NE(one.ok(), other.ok());
  EXPECT_EQ(one.ok() ? *one : *other, 7);
  EXPECT_TRUE(absl::IsOutOfRange(one.ok() ? other.status() : one.status()));
}

TEST_P(OneShotTest, CarriesAResultThatIsAStatusOr) {
  auto [sender, receiver] = MakeOneShot<absl::StatusOr<int>>();
  auto receive =
      [](OneShotReceiver<absl::StatusOr<int>>& from) -> Task<absl::Status> {
    absl::StatusOr<absl::StatusOr<int>> received = co_await from.Receive();
    EXPECT_TRUE(received.ok());
    co_return received->status();
  };
  EXPECT_TRUE(sender.Send(absl::DataLossError("in the value")));

  EXPECT_TRUE(absl::IsDataLoss(sim_.Run(receive(receiver))));
}

// --- An end that is gone ----------------------------------------------------

TEST_P(OneShotTest, ADroppedSenderEndsAWait) {
  std::optional<OneShotReceiver<int>> kept;
  std::optional<OneShotSender<int>> dropped;
  {
    auto [sender, receiver] = MakeOneShot<int>();
    kept.emplace(std::move(receiver));
    dropped.emplace(std::move(sender));
  }
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(*kept));
  sim_.RunUntilIdle();
  EXPECT_FALSE(waiter.finished());

  dropped.reset();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(waiter.BlockingJoin().status()));
}

TEST_P(OneShotTest, ADroppedSenderIsSeenByALaterWait) {
  std::optional<OneShotReceiver<int>> kept;
  {
    auto [sender, receiver] = MakeOneShot<int>();
    kept.emplace(std::move(receiver));
  }

  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(ReceiveFrom(*kept)).status()));
}

TEST_P(OneShotTest, ADroppedReceiverIsAnAnswerToTheSender) {
  auto counted = std::make_shared<int>(1);
  std::optional<OneShotSender<std::shared_ptr<int>>> kept;
  {
    auto [sender, receiver] = MakeOneShot<std::shared_ptr<int>>();
    kept.emplace(std::move(sender));
  }

  EXPECT_FALSE(kept->Send(counted));

  EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(OneShotTest, AValueThatNobodyReceivesDiesWithTheReceiver) {
  auto counted = std::make_shared<int>(1);
  {
    auto [sender, receiver] = MakeOneShot<std::shared_ptr<int>>();
    EXPECT_TRUE(sender.Send(counted));
    EXPECT_EQ(counted.use_count(), 2);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

// --- Cancellation -----------------------------------------------------------

TEST_P(OneShotTest, ACancelledWaitLeavesTheValueForALaterOne) {
  auto [sender, receiver] = MakeOneShot<int>();
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(receiver));
  sim_.RunUntilIdle();

  waiter.Cancel();
  EXPECT_TRUE(sender.Send(7));
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin().status()));
  EXPECT_EQ(*sim_.Run(ReceiveFrom(receiver)), 7);
}

TEST_P(OneShotTest, AValueThatComesBeforeTheCancellationIsReceived) {
  auto [sender, receiver] = MakeOneShot<int>();
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(receiver));
  sim_.RunUntilIdle();

  EXPECT_TRUE(sender.Send(7));
  waiter.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(*waiter.BlockingJoin(), 7);
}

TEST_P(OneShotTest, ACancelledTaskLeavesEvenAValueThatIsThere) {
  auto [sender, receiver] = MakeOneShot<int>();
  EXPECT_TRUE(sender.Send(7));
  auto waiter = sim_.SpawnJoinable(ReceiveFrom(receiver));
  waiter.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin().status()));
  EXPECT_EQ(*sim_.Run(ReceiveFrom(receiver)), 7);
}

TEST_P(OneShotTest, ACancellationAtAnyStepNeitherLosesNorDoublesTheValue) {
  for (int n = 1;; ++n) {
    Simulator sim({.seed = GetParam()});
    auto [sender, receiver] = MakeOneShot<int>();
    JoinHandle<absl::StatusOr<int>> victim;
    Steps steps(n, [&] { victim.Cancel(); });
    auto receive = [](OneShotReceiver<int>& from,
                      Steps& counted) -> Task<absl::StatusOr<int>> {
      absl::StatusOr<int> got = co_await Stepped(counted, from.Receive());
      co_return got;
    };
    auto send = [](OneShotSender<int> to, Steps& counted) -> Task<> {
      counted.Take();
      co_await Yield();
      EXPECT_TRUE(to.Send(7));
      counted.Take();
    };
    victim = sim.SpawnJoinable(receive(receiver, steps));
    sim.Spawn(send(std::move(sender), steps));

    sim.RunUntilIdle();

    ASSERT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
    absl::StatusOr<int> got = victim.BlockingJoin();
    absl::StatusOr<int> later = sim.Run(ReceiveFrom(receiver));
    EXPECT_NE(got.ok(), later.ok()) << n;
    EXPECT_EQ(got.ok() ? *got : *later, 7) << n;
    if (!steps.reached()) {
      EXPECT_TRUE(got.ok());
      EXPECT_EQ(n, 4);
      break;
    }
  }
}

// --- A dump, the end of a runtime, broken contracts -------------------------

TEST_P(OneShotTest, AWaitSaysWhatItWaitsFor) {
  auto [sender, receiver] = MakeOneShot<int>();
  auto receive = [](OneShotReceiver<int>& from) -> Task<absl::Status> {
    co_await OrReturn(from.Receive());
    co_return absl::OkStatus();
  };

  const WaitDescription seen = DescribeWaitOf(
      sim_, [&from = receiver, receive] { return receive(from); });

  EXPECT_EQ(seen.kind, "one-shot");
  EXPECT_TRUE(sender.Send(1));
  sim_.RunUntilIdle();
}

TEST(OneShotTeardownTest, EndsThatOutliveTheirTasksStillWork) {
  auto [sender, receiver] = MakeOneShot<int>();
  {
    Simulator sim;
    sim.Spawn(ReceiveFrom(receiver));
    sim.RunUntilIdle();
  }

  EXPECT_TRUE(sender.Send(7));

  Simulator sim;
  EXPECT_EQ(*sim.Run(ReceiveFrom(receiver)), 7);
}

TEST(OneShotTeardownTest, AValueThatWasOnItsWayToATaskIsStillThere) {
  auto [sender, receiver] = MakeOneShot<int>();
  {
    Simulator sim;
    sim.Spawn(ReceiveFrom(receiver));
    sim.RunUntilIdle();
    EXPECT_TRUE(sender.Send(7));
  }

  Simulator sim;
  EXPECT_EQ(*sim.Run(ReceiveFrom(receiver)), 7);
}

TEST(OneShotTeardownTest, BothEndsDieInTheFramesThatOwnThem) {
  Simulator sim;
  auto own = [](OneShotReceiver<int> from) -> Task<absl::Status> {
    co_await OrReturn(from.Receive());
    co_return absl::OkStatus();
  };
  auto keep = [](OneShotSender<int> to) -> Task<absl::Status> {
    auto [never, nothing] = MakeOneShot<int>();
    co_await OrReturn(nothing.Receive());
    EXPECT_TRUE(to.Send(1));
    co_return absl::OkStatus();
  };
  for (const bool sender_first : {false, true}) {
    auto [sender, receiver] = MakeOneShot<int>();
    if (sender_first) sim.Spawn(keep(std::move(sender)));
    sim.Spawn(own(std::move(receiver)));
    if (!sender_first) sim.Spawn(keep(std::move(sender)));
  }
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

TEST(OneShotDeathTest, SendingTwiceSaysWhatIsWrong) {
  auto [sender, receiver] = MakeOneShot<int>();
  EXPECT_TRUE(sender.Send(1));

  EXPECT_DEATH(static_cast<void>(sender.Send(2)), "a OneShot sends one value");
}

TEST(OneShotDeathTest, ReceivingFromAnEndThatWasMovedAwaySaysWhatIsWrong) {
  auto [sender, receiver] = MakeOneShot<int>();
  OneShotReceiver<int> moved = std::move(receiver);

  EXPECT_DEATH(static_cast<void>(receiver.Receive()),
               "this OneShotReceiver was moved from");
}

}  // namespace
}  // namespace weft::sync
