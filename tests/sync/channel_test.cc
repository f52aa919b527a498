// Tests of weft::sync::Channel: order, back-pressure, closing, and that every
// value that was sent is received once, whoever is cancelled and when.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/channel.h"

#include <algorithm>
#include <functional>
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
using ::testing::UnorderedElementsAreArray;
using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;
using ::weft::tests::TimesBeforeAnotherHasATurn;

template <typename T>
Task<absl::Status> SendTo(Channel<T>& channel, T value) {
  absl::Status sent = co_await channel.Send(std::move(value));
  co_return sent;
}

template <typename T>
Task<absl::StatusOr<T>> ReceiveFrom(Channel<T>& channel) {
  absl::StatusOr<T> received = co_await channel.Receive();
  co_return received;
}

Task<absl::Status> SendAll(Channel<int>& channel, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    co_await OrReturn(channel.Send(i));
  }
  co_return absl::OkStatus();
}

// Receives until the channel is closed and drained.
Task<std::vector<int>> ReceiveAll(Channel<int>& channel) {
  std::vector<int> received;
  for (;;) {
    absl::StatusOr<int> value = co_await channel.Receive();
    if (!value.ok()) break;
    received.push_back(*value);
  }
  co_return received;
}

std::vector<int> Drain(Channel<int>& channel) {
  std::vector<int> drained;
  while (std::optional<int> value = channel.TryReceive()) {
    drained.push_back(*value);
  }
  return drained;
}

std::vector<int> Numbers(int count) {
  std::vector<int> numbers(count);
  for (int i = 0; i < count; ++i) numbers[i] = i;
  return numbers;
}

class ChannelTest : public SeededTest {
 protected:
  // Starts a task and lets it run as far as it can: so they come to the channel
  // in this order, whatever the seed.
  template <typename T>
  JoinHandle<absl::Status> Send(Channel<T>& channel, T value) {
    return Settle(sim_.SpawnJoinable(SendTo<T>(channel, std::move(value))));
  }
  template <typename T>
  JoinHandle<absl::StatusOr<T>> Receive(Channel<T>& channel) {
    return Settle(sim_.SpawnJoinable(ReceiveFrom<T>(channel)));
  }

 private:
  template <typename Handle>
  Handle Settle(Handle handle) {
    sim_.RunUntilIdle();
    return handle;
  }
};
INSTANTIATE_TEST_SUITE_P(Any, ChannelTest, Schedules(), ScheduleName);

// --- Order and back-pressure ------------------------------------------------

TEST_P(ChannelTest, GivesValuesInTheOrderTheyWereSentWhateverItsCapacity) {
  for (std::size_t capacity : {0, 1, 2, 100}) {
    Channel<int> channel(capacity);
    auto send = [&]() -> Task<absl::Status> {
      co_await OrReturn(SendAll(channel, 0, 50));
      channel.Close();
      co_return absl::OkStatus();
    };
    sim_.Spawn(send());

    EXPECT_EQ(*sim_.Run(ReceiveAll(channel)), Numbers(50)) << capacity;
  }
}

TEST_P(ChannelTest, ASendWaitsWhileTheChannelIsFull) {
  Channel<int> channel(2);
  EXPECT_TRUE(Send(channel, 1).finished());
  EXPECT_TRUE(Send(channel, 2).finished());
  JoinHandle<absl::Status> third = Send(channel, 3);
  EXPECT_FALSE(third.finished());
  EXPECT_EQ(channel.size(), 2u);

  EXPECT_EQ(channel.TryReceive(), 1);
  sim_.RunUntilIdle();

  EXPECT_EQ(third.BlockingJoin(), absl::OkStatus());
  EXPECT_THAT(Drain(channel), ElementsAre(2, 3));
}

TEST_P(ChannelTest, SendersAreServedInTheOrderTheyCame) {
  Channel<int> channel(1);
  std::vector<JoinHandle<absl::Status>> senders;
  for (int i : {1, 2, 3, 4}) senders.push_back(Send(channel, i));

  EXPECT_THAT(Drain(channel), ElementsAre(1, 2, 3, 4));
}

TEST_P(ChannelTest, ReceiversAreServedInTheOrderTheyCame) {
  for (std::size_t capacity : {0, 2}) {
    Channel<int> channel(capacity);
    std::vector<JoinHandle<absl::StatusOr<int>>> receivers;
    for (int i = 0; i < 3; ++i) receivers.push_back(Receive(channel));

    for (int i = 0; i < 3; ++i) EXPECT_TRUE(channel.TrySend(i));
    sim_.RunUntilIdle();

    for (int i = 0; i < 3; ++i) EXPECT_EQ(*receivers[i].BlockingJoin(), i);
    EXPECT_EQ(channel.size(), 0u);
  }
}

TEST_P(ChannelTest, AReceiverDoesNotOvertakeOneThatWasServedAndHasNotRun) {
  Channel<int> channel(4);
  JoinHandle<absl::StatusOr<int>> first = Receive(channel);
  int value = 1;
  EXPECT_TRUE(channel.TrySend(value));

  EXPECT_EQ(channel.TryReceive(), std::nullopt);

  sim_.RunUntilIdle();
  EXPECT_EQ(*first.BlockingJoin(), 1);
}

TEST_P(ChannelTest, ManySendersAndReceiversLoseNothingAndDoubleNothing) {
  for (std::size_t capacity : {0, 1, 3}) {
    Channel<int> channel(capacity);
    std::vector<JoinHandle<std::vector<int>>> receivers;
    for (int i = 0; i < 3; ++i) {
      receivers.push_back(sim_.SpawnJoinable(ReceiveAll(channel)));
    }
    auto send_and_close = [&]() -> Task<absl::Status> {
      auto [one, two, three] =
          co_await WhenAll(SendAll(channel, 0, 20), SendAll(channel, 20, 20),
                           SendAll(channel, 40, 20));
      channel.Close();
      EXPECT_TRUE(one.ok() && two.ok() && three.ok());
      co_return absl::OkStatus();
    };

    EXPECT_EQ(sim_.Run(send_and_close()), absl::OkStatus());
    sim_.RunUntilIdle();

    std::vector<int> all;
    for (auto& receiver : receivers) {
      std::vector<int> some = *receiver.BlockingJoin();
      // What came from one sender came in its order.
      for (int from : {0, 20, 40}) {
        std::vector<int> of_one;
        std::copy_if(some.begin(), some.end(), std::back_inserter(of_one),
                     [from](int i) { return i >= from && i < from + 20; });
        EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
      }
      all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_THAT(all, UnorderedElementsAreArray(Numbers(60))) << capacity;
  }
}

// --- The rendezvous ---------------------------------------------------------

TEST_P(ChannelTest, WithoutCapacityASendWaitsForItsReceiver) {
  Channel<int> channel(0);
  JoinHandle<absl::Status> sender = Send(channel, 7);
  EXPECT_FALSE(sender.finished());
  EXPECT_EQ(channel.size(), 0u);

  EXPECT_EQ(*sim_.Run(ReceiveFrom(channel)), 7);
  sim_.RunUntilIdle();

  EXPECT_EQ(sender.BlockingJoin(), absl::OkStatus());
}

TEST_P(ChannelTest, WithoutCapacityAReceiveWaitsForItsSender) {
  Channel<int> channel(0);
  JoinHandle<absl::StatusOr<int>> receiver = Receive(channel);
  EXPECT_FALSE(receiver.finished());

  EXPECT_EQ(sim_.Run(SendTo(channel, 7)), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_EQ(*receiver.BlockingJoin(), 7);
}

TEST_P(ChannelTest, WithoutCapacityTrySendNeedsAReceiverThatWaits) {
  Channel<int> channel(0);
  int value = 7;
  EXPECT_FALSE(channel.TrySend(value));
  JoinHandle<absl::StatusOr<int>> receiver = Receive(channel);

  EXPECT_TRUE(channel.TrySend(value));
  EXPECT_FALSE(channel.TrySend(value));
  sim_.RunUntilIdle();

  EXPECT_EQ(*receiver.BlockingJoin(), 7);
}

TEST_P(ChannelTest, WithoutCapacityTryReceiveTakesFromASenderThatWaits) {
  Channel<int> channel(0);
  EXPECT_EQ(channel.TryReceive(), std::nullopt);
  JoinHandle<absl::Status> first = Send(channel, 1);
  JoinHandle<absl::Status> second = Send(channel, 2);

  EXPECT_EQ(channel.TryReceive(), 1);
  sim_.RunUntilIdle();

  EXPECT_EQ(first.BlockingJoin(), absl::OkStatus());
  EXPECT_FALSE(second.finished());
  EXPECT_EQ(channel.TryReceive(), 2);
  sim_.RunUntilIdle();
  EXPECT_EQ(second.BlockingJoin(), absl::OkStatus());
}

// --- Values -----------------------------------------------------------------

TEST_P(ChannelTest, TrySendKeepsTheValueWhenItFails) {
  Channel<std::unique_ptr<int>> channel(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(channel.TrySend(first));
  EXPECT_EQ(first, nullptr);

  EXPECT_FALSE(channel.TrySend(second));
  ASSERT_NE(second, nullptr);
  channel.Close();
  EXPECT_FALSE(channel.TrySend(second));

  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST_P(ChannelTest, MovesWhatCannotBeCopied) {
  for (std::size_t capacity : {0, 1}) {
    Channel<std::unique_ptr<int>> channel(capacity);
    JoinHandle<absl::Status> first = Send(channel, std::make_unique<int>(1));
    JoinHandle<absl::Status> second = Send(channel, std::make_unique<int>(2));

    absl::StatusOr<std::unique_ptr<int>> received =
        sim_.Run(ReceiveFrom(channel));
    std::optional<std::unique_ptr<int>> tried = channel.TryReceive();
    sim_.RunUntilIdle();

    EXPECT_EQ(**received, 1);
    EXPECT_EQ(**tried, 2);
    EXPECT_TRUE(first.finished());
    EXPECT_TRUE(second.finished());
  }
}

TEST_P(ChannelTest, DestroysWhatNobodyReceived) {
  auto counted = std::make_shared<int>(1);
  {
    Channel<std::shared_ptr<int>> channel(2);
    JoinHandle<absl::Status> kept = Send(channel, counted);
    JoinHandle<absl::Status> waits = [&] {
      JoinHandle<absl::Status> also_kept = Send(channel, counted);
      return Send(channel, counted);
    }();
    EXPECT_EQ(counted.use_count(), 4);
    waits.Cancel();
    sim_.RunUntilIdle();
    EXPECT_EQ(counted.use_count(), 3);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(ChannelTest, CarriesResultsThatAreStatusOr) {
  Channel<absl::StatusOr<int>> channel(2);
  auto exchange = [&]() -> Task<absl::Status> {
    absl::StatusOr<int> bad = absl::DataLossError("in the value");
    co_await OrReturn(channel.Send(7));
    co_await OrReturn(channel.Send(bad));
    absl::StatusOr<int> first = co_await OrReturn(channel.Receive());
    EXPECT_EQ(*first, 7);
    absl::StatusOr<absl::StatusOr<int>> second = co_await channel.Receive();
    EXPECT_TRUE(second.ok());
    co_return second->status();
  };

  EXPECT_TRUE(absl::IsDataLoss(sim_.Run(exchange())));
}

// --- Closing ----------------------------------------------------------------

TEST_P(ChannelTest, WhatWasSentBeforeTheCloseIsStillReceived) {
  Channel<int> channel(3);
  EXPECT_EQ(sim_.Run(SendAll(channel, 0, 3)), absl::OkStatus());

  channel.Close();
  channel.Close();

  EXPECT_TRUE(channel.closed());
  EXPECT_EQ(*sim_.Run(ReceiveAll(channel)), Numbers(3));
  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(ReceiveFrom(channel)).status()));
  EXPECT_EQ(channel.TryReceive(), std::nullopt);
}

TEST_P(ChannelTest, AClosedChannelTakesNothing) {
  Channel<int> channel(3);
  channel.Close();
  int value = 1;

  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(SendTo(channel, 1))));
  EXPECT_FALSE(channel.TrySend(value));
  EXPECT_EQ(channel.size(), 0u);
}

TEST_P(ChannelTest, CloseEndsTheReceiversThatWait) {
  for (std::size_t capacity : {0, 2}) {
    Channel<int> channel(capacity);
    JoinHandle<absl::StatusOr<int>> first = Receive(channel);
    JoinHandle<absl::StatusOr<int>> second = Receive(channel);

    channel.Close();
    sim_.RunUntilIdle();

    EXPECT_TRUE(absl::IsOutOfRange(first.BlockingJoin().status()));
    EXPECT_TRUE(absl::IsOutOfRange(second.BlockingJoin().status()));
  }
}

TEST_P(ChannelTest, CloseEndsTheSendersThatWaitAndKeepsWhatWasQueued) {
  for (std::size_t capacity : {0, 2}) {
    Channel<int> channel(capacity);
    std::vector<JoinHandle<absl::Status>> senders;
    for (int i = 0; i < 4; ++i) senders.push_back(Send(channel, i));

    channel.Close();
    sim_.RunUntilIdle();

    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(senders[i].finished());
      EXPECT_EQ(absl::IsOutOfRange(senders[i].BlockingJoin()), i >= capacity);
    }
    EXPECT_EQ(Drain(channel), Numbers(static_cast<int>(capacity)));
  }
}

TEST_P(ChannelTest, AValueGivenBeforeTheCloseArrives) {
  Channel<int> channel(0);
  JoinHandle<absl::StatusOr<int>> receiver = Receive(channel);
  int value = 7;

  EXPECT_TRUE(channel.TrySend(value));
  channel.Close();
  sim_.RunUntilIdle();

  EXPECT_EQ(*receiver.BlockingJoin(), 7);
}

TEST_P(ChannelTest, ASenderMayLeaveTheChannelToWhoReceivesItsLastValue) {
  auto channel = std::make_unique<Channel<int>>(0);
  auto receive_and_destroy = [&]() -> Task<absl::StatusOr<int>> {
    int value = co_await OrReturn(channel->Receive());
    channel.reset();
    co_return value;
  };
  auto receiver = sim_.SpawnJoinable(receive_and_destroy());
  sim_.RunUntilIdle();
  int value = 7;

  EXPECT_TRUE(channel->TrySend(value));
  sim_.RunUntilIdle();

  EXPECT_EQ(channel, nullptr);
  EXPECT_EQ(*receiver.BlockingJoin(), 7);
}

// --- Cancellation -----------------------------------------------------------

TEST_P(ChannelTest, ACancelledTaskNeitherSendsNorReceivesWhatItCould) {
  Channel<int> channel(2);
  int value = 7;
  EXPECT_TRUE(channel.TrySend(value));
  JoinHandle<absl::Status> sender = sim_.SpawnJoinable(SendTo(channel, 8));
  JoinHandle<absl::StatusOr<int>> receiver =
      sim_.SpawnJoinable(ReceiveFrom(channel));
  sender.Cancel();
  receiver.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(sender.BlockingJoin()));
  EXPECT_TRUE(absl::IsCancelled(receiver.BlockingJoin().status()));
  EXPECT_THAT(Drain(channel), ElementsAre(7));
}

TEST_P(ChannelTest, ACancelledSenderTakesItsValueWithIt) {
  for (std::size_t capacity : {0, 1}) {
    Channel<int> channel(capacity);
    int filler = 0;
    EXPECT_EQ(channel.TrySend(filler), capacity == 1);
    JoinHandle<absl::Status> first = Send(channel, 1);
    JoinHandle<absl::Status> second = Send(channel, 2);
    JoinHandle<absl::Status> third = Send(channel, 3);

    second.Cancel();
    sim_.RunUntilIdle();

    EXPECT_TRUE(absl::IsCancelled(second.BlockingJoin()));
    std::vector<int> drained = Drain(channel);
    if (capacity == 1) drained.erase(drained.begin());
    EXPECT_THAT(drained, ElementsAre(1, 3));
  }
}

TEST_P(ChannelTest, ACancelledReceiverLeavesTheValueToTheNext) {
  Channel<int> channel(0);
  JoinHandle<absl::StatusOr<int>> first = Receive(channel);
  JoinHandle<absl::StatusOr<int>> second = Receive(channel);
  int value = 7;

  first.Cancel();
  EXPECT_TRUE(channel.TrySend(value));
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(first.BlockingJoin().status()));
  EXPECT_EQ(*second.BlockingJoin(), 7);
}

TEST_P(ChannelTest, AValueThatComesBeforeTheCancellationIsReceived) {
  Channel<int> channel(0);
  JoinHandle<absl::StatusOr<int>> receiver = Receive(channel);
  int value = 7;

  EXPECT_TRUE(channel.TrySend(value));
  receiver.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(*receiver.BlockingJoin(), 7);
}

TEST_P(ChannelTest, AValueTakenBeforeTheCancellationWasSent) {
  Channel<int> channel(0);
  JoinHandle<absl::Status> sender = Send(channel, 7);

  EXPECT_EQ(channel.TryReceive(), 7);
  sender.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(sender.BlockingJoin(), absl::OkStatus());
}

// Two senders and two receivers, of which one is cancelled at the n-th step.
class Traffic {
 public:
  enum class Victim { kSender, kReceiver, kEverybody };

  Traffic(tests::Seed seed, std::size_t capacity, Victim victim, int n)
      : sim_({.seed = seed}),
        channel_(capacity),
        steps_(n, [this, victim] { Cancel(victim); }) {
    tasks_.push_back(sim_.SpawnJoinable(Send(0)));
    tasks_.push_back(sim_.SpawnJoinable(Receive()));
    tasks_.push_back(sim_.SpawnJoinable(Send(kCount)));
    tasks_.push_back(sim_.SpawnJoinable(Receive()));
    sim_.RunUntilIdle();
  }

  bool all_ended() { return !sim_.AnyTasks(); }
  bool cancelled() const { return steps_.reached(); }
  const std::vector<int>& sent() const { return sent_; }
  std::vector<int> received_and_left() {
    std::vector<int> all = received_;
    for (int left : Drain(channel_)) all.push_back(left);
    return all;
  }

  static constexpr int kCount = 4;

 private:
  void Cancel(Victim victim) {
    if (victim != Victim::kReceiver) tasks_[0].Cancel();
    if (victim != Victim::kSender) tasks_[1].Cancel();
    if (victim != Victim::kEverybody) return;
    tasks_[2].Cancel();
    tasks_[3].Cancel();
  }

  Task<> Send(int first) {
    for (int i = first; i < first + kCount; ++i) {
      absl::Status sent = co_await Stepped(steps_, channel_.Send(i));
      if (!sent.ok()) break;
      sent_.push_back(i);
    }
    if (++senders_done_ == 2) channel_.Close();
  }

  Task<> Receive() {
    for (;;) {
      absl::StatusOr<int> value = co_await Stepped(steps_, channel_.Receive());
      if (!value.ok()) break;
      received_.push_back(*value);
    }
  }

  Simulator sim_;
  Channel<int> channel_;
  Steps steps_;
  std::vector<JoinHandle<void>> tasks_;
  std::vector<int> sent_;
  std::vector<int> received_;
  int senders_done_ = 0;
};

void CancelAtEveryStep(tests::Seed seed, Traffic::Victim victim) {
  for (std::size_t capacity : {0, 1, 3}) {
    for (int n = 1;; ++n) {
      SCOPED_TRACE(::testing::Message()
                   << "capacity " << capacity << ", cancelled at step " << n);
      Traffic traffic(seed, capacity, victim, n);

      ASSERT_TRUE(traffic.all_ended());
      ASSERT_THAT(traffic.received_and_left(),
                  UnorderedElementsAreArray(traffic.sent()));
      if (!traffic.cancelled()) {
        EXPECT_EQ(traffic.sent().size(), 2u * Traffic::kCount);
        // Every send, every receive, and the two that find it closed.
        EXPECT_EQ(n, 4 * Traffic::kCount + 3);
        break;
      }
    }
  }
}

TEST_P(ChannelTest, ASenderCancelledAtAnyStepLosesNothingAndDoublesNothing) {
  CancelAtEveryStep(GetParam(), Traffic::Victim::kSender);
}

TEST_P(ChannelTest, AReceiverCancelledAtAnyStepLosesNothingAndDoublesNothing) {
  CancelAtEveryStep(GetParam(), Traffic::Victim::kReceiver);
}

TEST_P(ChannelTest, EverybodyCancelledAtAnyStepLosesNothingAndDoublesNothing) {
  CancelAtEveryStep(GetParam(), Traffic::Victim::kEverybody);
}

// --- A task's turn, a dump --------------------------------------------------

TEST(ChannelBudgetTest, ATaskThatTalksToItselfLetsOthersHaveATurn) {
  Channel<int> channel(1);
  auto talk_to_itself = [&]() -> Task<absl::Status> {
    co_await OrReturn(channel.Send(1));
    co_await OrReturn(channel.Receive());
    co_return absl::OkStatus();
  };

  // Two operations each time.
  EXPECT_EQ(TimesBeforeAnotherHasATurn(talk_to_itself), 64);
}

TEST(ChannelBudgetTest, TwoTasksThatWakeEachOtherLetAThirdHaveATurn) {
  Simulator sim;
  Channel<int> there(0);
  Channel<int> back(0);
  bool stop = false;
  int rounds = 0;
  int rounds_before_the_other = -1;
  auto ping = [&]() -> Task<absl::Status> {
    while (!stop) {
      co_await OrReturn(there.Send(1));
      int value = co_await OrReturn(back.Receive());
      rounds += value;
    }
    there.Close();
    co_return absl::OkStatus();
  };
  auto pong = [&]() -> Task<absl::Status> {
    for (;;) {
      int value = co_await OrReturn(there.Receive());
      co_await OrReturn(back.Send(value));
    }
  };
  auto other = [&]() -> Task<> {
    while (rounds == 0) co_await Yield();
    rounds_before_the_other = rounds;
    stop = true;
  };
  sim.Spawn(ping());
  sim.Spawn(pong());
  sim.Spawn(other());

  sim.RunUntilIdle();

  EXPECT_FALSE(sim.AnyTasks());
  EXPECT_GT(rounds_before_the_other, 0);
}

TEST_P(ChannelTest, AWaitSaysWhatItWaitsFor) {
  Channel<int> channel(0);
  auto send = [&]() -> Task<absl::Status> {
    absl::Status sent = co_await channel.Send(1);
    co_return sent;
  };
  auto receive = [&]() -> Task<absl::Status> {
    co_await OrReturn(channel.Receive());
    co_return absl::OkStatus();
  };

  const WaitDescription sender = DescribeWaitOf(sim_, send);
  EXPECT_EQ(channel.TryReceive(), 1);
  sim_.RunUntilIdle();
  const WaitDescription receiver = DescribeWaitOf(sim_, receive);

  EXPECT_EQ(sender.kind, "channel send");
  EXPECT_EQ(receiver.kind, "channel receive");
  EXPECT_EQ(sender.on, receiver.on);
  channel.Close();
  sim_.RunUntilIdle();
}

// --- The end of a runtime ---------------------------------------------------

TEST(ChannelTeardownTest, AChannelOutlivesASimulationWhoseTasksWaitForIt) {
  auto counted = std::make_shared<int>(1);
  Channel<std::shared_ptr<int>> full(1);
  Channel<std::shared_ptr<int>> empty(1);
  {
    Simulator sim;
    for (int i = 0; i < 3; ++i) sim.Spawn(SendTo(full, counted));
    for (int i = 0; i < 3; ++i) sim.Spawn(ReceiveFrom(empty));
    sim.RunUntilIdle();
    EXPECT_EQ(counted.use_count(), 4);
  }

  EXPECT_EQ(counted.use_count(), 2);
  EXPECT_EQ(full.TryReceive(), counted);
  EXPECT_EQ(full.TryReceive(), std::nullopt);
  std::shared_ptr<int> value = counted;
  EXPECT_TRUE(empty.TrySend(value));
  EXPECT_EQ(empty.size(), 1u);
}

TEST(ChannelTeardownTest, AValueOnItsWayToATaskThatDidNotRunDiesWithIt) {
  auto counted = std::make_shared<int>(1);
  Channel<std::shared_ptr<int>> channel(1);
  {
    Simulator sim;
    sim.Spawn(ReceiveFrom(channel));
    sim.RunUntilIdle();
    std::shared_ptr<int> value = counted;
    EXPECT_TRUE(channel.TrySend(value));
    EXPECT_EQ(counted.use_count(), 2);
  }

  EXPECT_EQ(counted.use_count(), 1);
  EXPECT_EQ(channel.size(), 0u);
}

TEST(ChannelTeardownTest, AChannelDiesWithTheFrameThatOwnsIt) {
  Simulator sim;
  auto parent = [](std::size_t capacity) -> Task<absl::Status> {
    Channel<int> channel(capacity);
    Channel<int> never(0);
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(SendTo<int>, std::ref(channel), 1);
          scope.Spawn(SendTo<int>, std::ref(channel), 2);
          scope.Spawn(ReceiveFrom<int>, std::ref(never));
          scope.Spawn(ReceiveFrom<int>, std::ref(never));
          co_return absl::OkStatus();
        });
    co_return ended;
  };
  for (std::size_t capacity : {0, 1}) sim.Spawn(parent(capacity));
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

// Sends when it dies, and closes.
class LastWords {
 public:
  explicit LastWords(Channel<int>& channel) : channel_(channel) {}
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  ~LastWords() {
    int value = 1;
    static_cast<void>(channel_.TrySend(value));
    channel_.Close();
  }

 private:
  Channel<int>& channel_;
};

TEST(ChannelTeardownTest, AFrameThatSendsAndClosesAsItDiesWakesNobody) {
  Channel<int> channel(1);
  Simulator sim;
  auto last_words = [](Channel<int>& to) -> Task<absl::Status> {
    const LastWords words(to);
    Channel<int> never(0);
    co_await OrReturn(never.Receive());
    co_return absl::OkStatus();
  };
  for (int i = 0; i < 3; ++i) {
    sim.Spawn(ReceiveFrom(channel));
    sim.Spawn(last_words(channel));
  }
  sim.RunUntilIdle();

  EXPECT_TRUE(sim.AnyTasks());
}

// --- Broken contracts -------------------------------------------------------

TEST(ChannelDeathTest, DestroyingAChannelThatIsAwaitedSaysWhatToDo) {
  EXPECT_DEATH(
      {
        Simulator sim;
        auto channel = std::make_unique<Channel<int>>(0);
        sim.Spawn(ReceiveFrom(*channel));
        sim.RunUntilIdle();
        channel.reset();
      },
      "destroyed while a task waits on it: end the task first");
}

// --- Offers -----------------------------------------------------------------

TEST(ChannelOfferTest, MovesTheValueWhenItIsSentAndNotBefore) {
  weft::testing::Simulator sim;
  Channel<std::unique_ptr<int>> channel(0);
  auto value = std::make_unique<int>(7);

  auto task = sim.SpawnJoinable(
      [&]() -> Task<absl::Status> { co_return co_await channel.Offer(value); });
  sim.RunUntilIdle();
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(**channel.TryReceive(), 7);
  sim.RunUntilIdle();

  EXPECT_EQ(task.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(value, nullptr);
}

TEST(ChannelOfferTest, KeepsTheValueThatIsNotSent) {
  weft::testing::Simulator sim;
  Channel<std::unique_ptr<int>> channel(0);
  auto value = std::make_unique<int>(7);
  auto offer = [&]() -> Task<absl::Status> {
    co_return co_await channel.Offer(value);
  };

  auto cancelled = sim.SpawnJoinable(offer());
  sim.RunUntilIdle();
  cancelled.Cancel();
  sim.RunUntilIdle();
  auto closed = sim.SpawnJoinable(offer());
  sim.RunUntilIdle();
  channel.Close();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(cancelled.BlockingJoin()));
  EXPECT_TRUE(absl::IsOutOfRange(closed.BlockingJoin()));
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(*value, 7);
}

}  // namespace
}  // namespace weft::sync
