// Tests of weft::sync::Broadcast: every receiver sees every value, or is told
// how many it missed, whatever the sender, the others and the copies do.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/broadcast.h"

#include <functional>
#include <memory>
#include <optional>
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
using ::testing::HasSubstr;
using ::weft::testing::Simulator;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::TimesBeforeAnotherHasATurn;

using Numbers = Broadcast<int>;

Task<absl::StatusOr<int>> ReceiveFrom(Numbers::Receiver& receiver) {
  co_return co_await receiver.Receive();
}

// What there is to receive at once; what was missed as its negative number.
std::vector<int> Drain(Numbers::Receiver& receiver) {
  std::vector<int> drained;
  while (std::optional<absl::StatusOr<int>> got = receiver.TryReceive()) {
    if (absl::IsOutOfRange(got->status())) break;
    drained.push_back(got->ok() ? **got : -static_cast<int>(receiver.missed()));
  }
  return drained;
}

class BroadcastTest : public SeededTest {
 protected:
  void Send(int first, int last) {
    for (int i = first; i <= last; ++i) {
      EXPECT_EQ(broadcast_.Send(i), absl::OkStatus());
    }
  }
  // One that waits by now, if it has to.
  JoinHandle<absl::StatusOr<int>> Receive(Numbers::Receiver& receiver) {
    auto handle = sim_.SpawnJoinable(ReceiveFrom(receiver));
    sim_.RunUntilIdle();
    return handle;
  }

  Numbers broadcast_{4};
};
INSTANTIATE_TEST_SUITE_P(Any, BroadcastTest, Schedules(), ScheduleName);

// --- Who sees what ----------------------------------------------------------

TEST_P(BroadcastTest, EveryReceiverSeesEveryValueSinceItSubscribed) {
  auto early = broadcast_.Subscribe();
  Send(1, 2);
  auto late = broadcast_.Subscribe();
  Send(3, 4);

  EXPECT_THAT(Drain(early), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Drain(late), ElementsAre(3, 4));
  EXPECT_EQ(early.TryReceive(), std::nullopt);
}

TEST_P(BroadcastTest, ASendWakesAllWhoWait) {
  auto one = broadcast_.Subscribe();
  auto other = broadcast_.Subscribe();
  auto first = Receive(one);
  auto second = Receive(other);
  EXPECT_FALSE(first.finished());

  Send(7, 7);
  sim_.RunUntilIdle();

  EXPECT_EQ(*first.BlockingJoin(), 7);
  EXPECT_EQ(*second.BlockingJoin(), 7);
}

TEST_P(BroadcastTest, WhatIsSentToNobodyIsGone) {
  Send(1, 2);
  auto receiver = broadcast_.Subscribe();

  EXPECT_EQ(receiver.TryReceive(), std::nullopt);
}

TEST_P(BroadcastTest, AReceiverGoesOnWhereItWasMovedTo) {
  auto receiver = broadcast_.Subscribe();
  Send(1, 2);
  EXPECT_EQ(*sim_.Run(ReceiveFrom(receiver)), 1);

  auto moved = std::move(receiver);

  EXPECT_EQ(broadcast_.receivers(), 1u);
  EXPECT_THAT(Drain(moved), ElementsAre(2));
}

TEST_P(BroadcastTest, AReceiverThatGoesDisturbsNobody) {
  auto receiver = broadcast_.Subscribe();
  auto waiting = Receive(receiver);
  {
    auto other = broadcast_.Subscribe();
    Send(1, 1);
  }
  sim_.RunUntilIdle();

  EXPECT_EQ(*waiting.BlockingJoin(), 1);
  EXPECT_EQ(broadcast_.receivers(), 1u);
}

// --- Falling behind ---------------------------------------------------------

TEST_P(BroadcastTest, ASlowReceiverIsToldHowManyItMissedAndGoesOn) {
  auto receiver = broadcast_.Subscribe();
  Send(1, 7);

  const absl::Status lost = sim_.Run(ReceiveFrom(receiver)).status();

  EXPECT_TRUE(absl::IsDataLoss(lost));
  EXPECT_THAT(std::string(lost.message()), HasSubstr("missed 3 values"));
  EXPECT_EQ(receiver.missed(), 3u);
  EXPECT_THAT(Drain(receiver), ElementsAre(4, 5, 6, 7));
}

TEST_P(BroadcastTest, EachLossIsCountedAnew) {
  auto receiver = broadcast_.Subscribe();

  Send(1, 5);
  EXPECT_THAT(Drain(receiver), ElementsAre(-1, 2, 3, 4, 5));
  Send(6, 100);
  EXPECT_THAT(Drain(receiver), ElementsAre(-91, 97, 98, 99, 100));
}

TEST_P(BroadcastTest, AFullRingIsNotALoss) {
  auto receiver = broadcast_.Subscribe();
  Send(1, 4);

  EXPECT_THAT(Drain(receiver), ElementsAre(1, 2, 3, 4));
}

TEST_P(BroadcastTest, WhoWaitedGetsTheValueThatItWasWokenForThoughOvertaken) {
  auto receiver = broadcast_.Subscribe();
  auto waiting = Receive(receiver);

  Send(1, 10);
  sim_.RunUntilIdle();

  EXPECT_EQ(*waiting.BlockingJoin(), 1);
  EXPECT_THAT(Drain(receiver), ElementsAre(-5, 7, 8, 9, 10));
}

// --- Closing ----------------------------------------------------------------

TEST_P(BroadcastTest, CanBeDrainedOnceItIsClosed) {
  auto receiver = broadcast_.Subscribe();
  Send(1, 2);

  broadcast_.Close();

  EXPECT_TRUE(broadcast_.closed());
  EXPECT_TRUE(absl::IsOutOfRange(broadcast_.Send(3)));
  EXPECT_THAT(Drain(receiver), ElementsAre(1, 2));
  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(ReceiveFrom(receiver)).status()));
  EXPECT_TRUE(absl::IsOutOfRange(receiver.BlockingReceive().status()));
}

TEST_P(BroadcastTest, ClosingEndsTheWaitOfReceivers) {
  auto receiver = broadcast_.Subscribe();
  auto waiting = Receive(receiver);

  broadcast_.Close();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(waiting.BlockingJoin().status()));
}

TEST_P(BroadcastTest, WhoSubscribesToAClosedOneIsToldSo) {
  broadcast_.Close();
  auto receiver = broadcast_.Subscribe();

  EXPECT_TRUE(absl::IsOutOfRange(receiver.TryReceive()->status()));
}

// --- Cancellation -----------------------------------------------------------

TEST_P(BroadcastTest, ACancelledReceiveLeavesItsPosition) {
  auto receiver = broadcast_.Subscribe();
  auto waiting = Receive(receiver);

  waiting.Cancel();
  Send(1, 2);
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiting.BlockingJoin().status()));
  EXPECT_THAT(Drain(receiver), ElementsAre(1, 2));
}

TEST_P(BroadcastTest, AValueThatComesBeforeTheCancellationWins) {
  auto receiver = broadcast_.Subscribe();
  auto waiting = Receive(receiver);

  Send(1, 2);
  waiting.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(*waiting.BlockingJoin(), 1);
  EXPECT_THAT(Drain(receiver), ElementsAre(2));
}

TEST_P(BroadcastTest, WhoDiesWithItsRuntimeHasReceivedNothing) {
  auto receiver = broadcast_.Subscribe();
  auto other = broadcast_.Subscribe();
  {
    Simulator stopped;
    stopped.Spawn(ReceiveFrom(receiver));
    stopped.Spawn(ReceiveFrom(other));
    stopped.RunUntilIdle();
    Send(1, 1);
  }
  Send(2, 9);

  EXPECT_THAT(Drain(receiver), ElementsAre(-5, 6, 7, 8, 9));
  EXPECT_THAT(Drain(other), ElementsAre(-5, 6, 7, 8, 9));
}

// --- Turns and dumps --------------------------------------------------------

TEST_P(BroadcastTest, AWaitSaysWhatItWaitsFor) {
  auto receiver = broadcast_.Subscribe();
  const WaitDescription seen =
      DescribeWaitOf(sim_, [&]() -> Task<absl::Status> {
        co_return (co_await receiver.Receive()).status();
      });

  EXPECT_EQ(seen.kind, "broadcast receive");
  EXPECT_EQ(seen.on, &broadcast_);
  broadcast_.Close();
  sim_.RunUntilIdle();
}

TEST(BroadcastBudgetTest, AReceiverThatNeverHasToWaitLetsOthersHaveATurn) {
  Numbers broadcast(1);
  auto receiver = broadcast.Subscribe();

  const int times = TimesBeforeAnotherHasATurn([&]() -> Task<absl::Status> {
    broadcast.Send(1).IgnoreError();  // It is open.
    co_return (co_await receiver.Receive()).status();
  });

  EXPECT_LE(times, 128);
}

// --- Copies -----------------------------------------------------------------

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

class BroadcastCopyTest : public ::testing::Test {
 protected:
  ~BroadcastCopyTest() override { Foreign::on_copy = nullptr; }

  Task<absl::StatusOr<Foreign>> Receive() {
    co_return co_await receiver_.Receive();
  }

  Simulator sim_;
  Broadcast<Foreign> broadcast_{2};
  Broadcast<Foreign>::Receiver receiver_ = broadcast_.Subscribe();
};

TEST_F(BroadcastCopyTest, ACopyThatThrowsPassesThroughAndLosesNothing) {
  EXPECT_EQ(broadcast_.Send(Foreign(1)), absl::OkStatus());
  EXPECT_EQ(broadcast_.Send(Foreign(2)), absl::OkStatus());

  Foreign::on_copy = [] { throw std::runtime_error("not now"); };
  EXPECT_THROW(static_cast<void>(sim_.Run(Receive())), std::runtime_error);
  EXPECT_THROW(static_cast<void>(receiver_.TryReceive()), std::runtime_error);
  Foreign::on_copy = nullptr;

  EXPECT_EQ(sim_.Run(Receive())->number, 1);
  EXPECT_EQ(sim_.Run(Receive())->number, 2);
}

TEST_F(BroadcastCopyTest, AValueStaysWholeWhileItIsCopiedThoughOverwritten) {
  EXPECT_EQ(broadcast_.Send(Foreign(1)), absl::OkStatus());

  // Needs the lock, again and again, and laps the receiver meanwhile.
  Foreign::on_copy = [this] {
    for (int i = 2; i <= 9; ++i) {
      EXPECT_EQ(broadcast_.Send(Foreign(i)), absl::OkStatus());
    }
  };
  const absl::StatusOr<Foreign> got = sim_.Run(Receive());
  Foreign::on_copy = nullptr;

  EXPECT_EQ(got->number, 1);
  EXPECT_TRUE(absl::IsDataLoss(receiver_.TryReceive()->status()));
  EXPECT_EQ(receiver_.missed(), 6u);
  EXPECT_EQ(receiver_.BlockingReceive()->number, 8);
}

TEST(BroadcastEndTest, EveryValueAndEveryCopyDiesOnce) {
  Census census;
  {
    Broadcast<Counted> broadcast(3);
    auto receiver = broadcast.Subscribe();
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(broadcast.Send(Counted(census, i)), absl::OkStatus());
      const bool wants_it = i % 2 == 0;
      EXPECT_TRUE(!wants_it || receiver.TryReceive().has_value());
    }
    EXPECT_EQ(census.alive(), 3);
  }

  EXPECT_EQ(census.alive(), 0);
}

// --- Contracts --------------------------------------------------------------

TEST(BroadcastDeathTest, SaysWhatToDoInstead) {
  EXPECT_DEATH(Numbers(0), "one value at least");
  EXPECT_DEATH(
      {
        auto broadcast = std::make_unique<Numbers>(1);
        auto receiver = broadcast->Subscribe();
        broadcast.reset();
      },
      "before its receivers");
}

TEST(BroadcastDeathTest, TwoThatReceiveFromOneReceiverAreToldToSubscribe) {
  Simulator sim;
  Numbers broadcast(1);
  auto receiver = broadcast.Subscribe();
  sim.Spawn(ReceiveFrom(receiver));
  sim.RunUntilIdle();

  EXPECT_DEATH(static_cast<void>(receiver.TryReceive()), "Subscribe one more");

  broadcast.Close();
  sim.RunUntilIdle();
}

}  // namespace
}  // namespace weft::sync
