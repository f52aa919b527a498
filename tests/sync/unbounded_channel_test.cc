// Tests of weft::sync::UnboundedChannel: a send never waits, and what was sent
// is received once, in order.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/unbounded_channel.h"

#include <memory>
#include <optional>
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

using ::weft::testing::Simulator;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

class UnboundedChannelTest : public SeededTest {
 protected:
  Task<absl::StatusOr<int>> Receive() { co_return co_await channel_.Receive(); }

  // One that waits by now, if it has to.
  JoinHandle<absl::StatusOr<int>> Receiver() {
    auto receiver = sim_.SpawnJoinable(Receive());
    sim_.RunUntilIdle();
    return receiver;
  }

  UnboundedChannel<int> channel_;
};
INSTANTIATE_TEST_SUITE_P(Any, UnboundedChannelTest, Schedules(), ScheduleName);

TEST_P(UnboundedChannelTest, TakesWhateverIsSentAndGivesItInOrder) {
  for (int i = 0; i < 10'000; ++i)
    EXPECT_EQ(channel_.Send(i), absl::OkStatus());
  EXPECT_EQ(channel_.size(), 10'000u);

  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(*sim_.Run(Receive()), i);
  EXPECT_EQ(channel_.TryReceive(), std::nullopt);
}

TEST_P(UnboundedChannelTest, ServesReceiversInTheOrderTheyCame) {
  auto first = Receiver();
  auto second = Receiver();

  EXPECT_EQ(channel_.Send(1), absl::OkStatus());
  EXPECT_EQ(channel_.TryReceive(), std::nullopt) << "it is the first one's";
  EXPECT_EQ(channel_.Send(2), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_EQ(*first.BlockingJoin(), 1);
  EXPECT_EQ(*second.BlockingJoin(), 2);
}

TEST_P(UnboundedChannelTest, CanBeDrainedOnceItIsClosed) {
  EXPECT_EQ(channel_.Send(1), absl::OkStatus());
  channel_.Close();

  EXPECT_TRUE(absl::IsOutOfRange(channel_.Send(2)));
  EXPECT_EQ(*sim_.Run(Receive()), 1);
  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(Receive()).status()));
}

TEST_P(UnboundedChannelTest, ClosingEndsTheWaitOfReceivers) {
  auto receiver = Receiver();

  channel_.Close();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(receiver.BlockingJoin().status()));
}

TEST_P(UnboundedChannelTest, ACancellationThatComesBeforeTheValueWins) {
  auto receiver = Receiver();

  receiver.Cancel();
  EXPECT_EQ(channel_.Send(1), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(receiver.BlockingJoin().status()));
  EXPECT_EQ(channel_.TryReceive(), 1);
}

TEST_P(UnboundedChannelTest, AValueThatComesBeforeTheCancellationWins) {
  auto receiver = Receiver();

  EXPECT_EQ(channel_.Send(1), absl::OkStatus());
  receiver.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(*receiver.BlockingJoin(), 1);
}

TEST_P(UnboundedChannelTest, AWaitSaysWhatItWaitsFor) {
  const WaitDescription seen =
      DescribeWaitOf(sim_, [&]() -> Task<absl::Status> {
        co_return (co_await channel_.Receive()).status();
      });

  EXPECT_EQ(seen.kind, "channel receive");
  EXPECT_EQ(seen.on, &channel_);
  channel_.Close();
  sim_.RunUntilIdle();
}

TEST(UnboundedChannelEndTest, WhatNobodyReceivedDiesWithIt) {
  Census census;
  {
    UnboundedChannel<Counted> channel;
    for (int i = 0; i < 100'000; ++i) {
      EXPECT_EQ(channel.Send(Counted(census, i)), absl::OkStatus());
    }
    EXPECT_EQ(census.alive(), 100'000);
  }

  EXPECT_EQ(census.alive(), 0);
}

}  // namespace
}  // namespace weft::sync
