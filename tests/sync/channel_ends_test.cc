// Tests of weft::sync::Sender and weft::sync::Receiver: the channel closes when
// the last of either is gone, and not before.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/channel_ends.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

class ChannelEndsTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, ChannelEndsTest, Schedules(), ScheduleName);

Task<absl::Status> SendBoth(Sender<int> sender, int first, int second) {
  co_await OrReturn(sender.Send(first));
  co_return co_await sender.Send(second);
}

Task<std::vector<int>> ReceiveAll(Receiver<int> receiver) {
  std::vector<int> received;
  for (;;) {
    absl::StatusOr<int> value = co_await receiver.Receive();
    if (!value.ok()) break;
    received.push_back(*value);
  }
  co_return received;
}

// --- The last sender --------------------------------------------------------

TEST_P(ChannelEndsTest, WhenTheLastSenderGoesReceiversDrainAndEnd) {
  auto [sender, receiver] = MakeChannel<int>(1);
  sim_.Spawn(SendBoth(sender, 1, 2));
  sim_.Spawn(SendBoth(std::move(sender), 3, 4));

  EXPECT_THAT(*sim_.Run(ReceiveAll(std::move(receiver))),
              UnorderedElementsAre(1, 2, 3, 4));
}

TEST_P(ChannelEndsTest, WhileOneSenderIsLeftReceiversWait) {
  auto [sender, receiver] = MakeChannel<int>(4);
  std::optional<Sender<int>> copy(sender);
  auto all = sim_.SpawnJoinable(ReceiveAll(std::move(receiver)));
  {
    Sender<int> dies = std::move(sender);
  }
  sim_.RunUntilIdle();
  EXPECT_FALSE(all.finished());

  copy.reset();
  sim_.RunUntilIdle();

  EXPECT_TRUE(all.finished());
}

TEST_P(ChannelEndsTest, AnEndThatIsAssignedLeavesItsOldChannel) {
  auto [sender, receiver] = MakeChannel<int>(1);
  auto [other_sender, other_receiver] = MakeChannel<int>(1);

  sender = other_sender;

  EXPECT_TRUE(absl::IsOutOfRange(
      sim_.Run([](Receiver<int>& from) -> Task<absl::Status> {
        co_return (co_await from.Receive()).status();
      }(receiver))));
  int value = 5;
  EXPECT_TRUE(sender.TrySend(value));
  EXPECT_EQ(other_receiver.TryReceive(), 5);
}

// --- The last receiver ------------------------------------------------------

TEST_P(ChannelEndsTest, WhenTheLastReceiverGoesSendersAreTold) {
  auto [sender, receiver] = MakeChannel<int>(1);
  JoinHandle<absl::Status> waits = sim_.SpawnJoinable(SendBoth(sender, 1, 2));
  sim_.RunUntilIdle();
  EXPECT_FALSE(waits.finished());

  {
    Receiver<int> dies = std::move(receiver);
  }
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(waits.BlockingJoin()));
  int value = 3;
  EXPECT_FALSE(sender.TrySend(value));
}

TEST_P(ChannelEndsTest, WhatNobodyWillReceiveDiesWithTheLastReceiver) {
  Census census;
  auto [sender, receiver] = MakeChannel<Counted>(4);
  Counted value(census, 1);
  EXPECT_TRUE(sender.TrySend(value));
  EXPECT_EQ(census.alive(), 2);

  {
    Receiver<Counted> dies = std::move(receiver);
  }

  EXPECT_EQ(census.alive(), 1) << "the sender is still there";
}

// --- Many at a time ---------------------------------------------------------

TEST_P(ChannelEndsTest, ManyAreTakenAtATimeAndNoMoreThanAsked) {
  auto [sender, receiver] = MakeChannel<int>(8);
  for (int i = 0; i < 5; ++i) {
    int value = i;
    EXPECT_TRUE(sender.TrySend(value));
  }
  std::vector<int> values = {-1};
  auto take = [&](std::size_t most) -> Task<absl::StatusOr<std::size_t>> {
    co_return co_await receiver.ReceiveMany(values, most);
  };

  EXPECT_EQ(*sim_.Run(take(3)), 3u);
  EXPECT_THAT(values, ElementsAre(-1, 0, 1, 2));
  EXPECT_EQ(*sim_.Run(take(1000)), 2u);
  EXPECT_THAT(values, ElementsAre(-1, 0, 1, 2, 3, 4));
  EXPECT_TRUE(absl::IsInvalidArgument(sim_.Run(take(0)).status()));
}

TEST_P(ChannelEndsTest, AReceiveOfManyWaitsForOne) {
  auto [sender, receiver] = MakeChannel<int>(8);
  std::vector<int> values;
  auto take = [&]() -> Task<absl::StatusOr<std::size_t>> {
    co_return co_await receiver.ReceiveMany(values, 8);
  };
  auto taker = sim_.SpawnJoinable(take());
  sim_.RunUntilIdle();
  EXPECT_FALSE(taker.finished());

  for (int i = 0; i < 3; ++i) {
    int value = i;
    EXPECT_TRUE(sender.TrySend(value));
  }
  sim_.RunUntilIdle();

  EXPECT_EQ(*taker.BlockingJoin(), 3u) << "and takes what has come by then";
  EXPECT_THAT(values, ElementsAre(0, 1, 2));
}

TEST_P(ChannelEndsTest, AReceiveOfManyLetsTheSendersInThatWait) {
  auto [sender, receiver] = MakeChannel<int>(2);
  JoinHandle<absl::Status> first = sim_.SpawnJoinable(SendBoth(sender, 1, 2));
  JoinHandle<absl::Status> second = sim_.SpawnJoinable(SendBoth(sender, 3, 4));
  sim_.RunUntilIdle();
  std::vector<int> values;
  auto take = [&]() -> Task<absl::StatusOr<std::size_t>> {
    co_return co_await receiver.ReceiveMany(values, 2);
  };

  EXPECT_EQ(*sim_.Run(take()), 2u);
  sim_.RunUntilIdle();
  EXPECT_EQ(*sim_.Run(take()), 2u);

  EXPECT_TRUE(first.finished());
  EXPECT_TRUE(second.finished());
  EXPECT_THAT(values, UnorderedElementsAre(1, 2, 3, 4));
}

TEST_P(ChannelEndsTest, WhatCanOnlyBeMadeByMovingIsTakenManyAtATime) {
  Census census;
  auto [sender, receiver] = MakeChannel<Counted>(4);
  for (int i = 0; i < 3; ++i) {
    Counted value(census, i);
    EXPECT_TRUE(sender.TrySend(value));
  }
  std::vector<Counted> values;
  auto take = [&]() -> Task<absl::StatusOr<std::size_t>> {
    co_return co_await receiver.ReceiveMany(values, 4);
  };

  EXPECT_EQ(*sim_.Run(take()), 3u);
  EXPECT_EQ(values[2].number(), 2);
}

TEST_P(ChannelEndsTest, ACancelledReceiveOfManyTakesNothing) {
  auto [sender, receiver] = MakeChannel<int>(2);
  std::vector<int> values;
  auto take = [&]() -> Task<absl::StatusOr<std::size_t>> {
    co_return co_await receiver.ReceiveMany(values, 2);
  };
  auto taker = sim_.SpawnJoinable(take());
  sim_.RunUntilIdle();

  taker.Cancel();
  int value = 1;
  EXPECT_TRUE(sender.TrySend(value));
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(taker.BlockingJoin().status()));
  EXPECT_TRUE(values.empty());
  EXPECT_EQ(receiver.TryReceive(), 1);
}

TEST(ChannelEndsDeathTest, AnEndThatWasMovedFromSaysSo) {
  auto [sender, receiver] = MakeChannel<int>(2);
  Sender<int> other = std::move(sender);
  int value = 1;

  EXPECT_DEATH(sender.TrySend(value),  // NOLINT(bugprone-use-after-move)
               "was moved from");
}

}  // namespace
}  // namespace weft::sync
