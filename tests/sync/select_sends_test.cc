// Tests of the arms of a Select that send, and of Selects that meet.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/select.h"
#include "weft/runtime/selection.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/timer_arm.h"
#include "weft/sync/channel.h"
#include "weft/sync/channel_ends.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/select.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/tests/sync/select_steps.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::weft::testing::Simulator;

// --- Sends ------------------------------------------------------------------

TEST(SelectSendTest, SendsWhereThereIsRoom) {
  Simulator sim;
  Channel<Box> full(0);
  Channel<Box> roomy(1);
  Box left = std::make_unique<int>(1);
  Box right = std::make_unique<int>(2);

  sim.Spawn([&]() -> Task<> {
    const Chosen chosen =
        co_await Select(OnSend(full, left), OnSend(roomy, right));
    EXPECT_EQ(*chosen, 1u);
  });
  sim.RunUntilIdle();

  EXPECT_EQ(**roomy.TryReceive(), 2);
  EXPECT_EQ(right, nullptr);
  EXPECT_EQ(*left, 1);  // What was not sent is still the caller's.
}

TEST(SelectSendTest, ASendThatLosesAfterItHasWaitedGivesTheValueBack) {
  Simulator sim;
  Channel<Box> left_channel(0);
  Channel<Box> right_channel(0);
  Box left = std::make_unique<int>(1);
  Box right = std::make_unique<int>(2);

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    co_return co_await Select(OnSend(left_channel, left),
                              OnSend(right_channel, right));
  });
  sim.RunUntilIdle();
  const std::optional<Box> received = left_channel.TryReceive();
  EXPECT_FALSE(right_channel.TryReceive().has_value());
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 0u);
  EXPECT_EQ(**received, 1);
  EXPECT_EQ(left, nullptr);
  EXPECT_EQ(*right, 2);
}

TEST(SelectSendTest, ASendToAChannelThatClosesKeepsTheValue) {
  Simulator sim;
  Channel<Box> channel(0);
  Box value = std::make_unique<int>(1);
  absl::Status said;

  sim.Spawn([&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {  // While it waits, and at once.
      const Chosen chosen = co_await Select(
          OnSend(channel, value, [&](absl::Status s) { said = s; }));
      EXPECT_TRUE(chosen.ok());
      EXPECT_TRUE(absl::IsOutOfRange(said));
      EXPECT_EQ(*value, 1);
    }
  });
  sim.RunUntilIdle();
  channel.Close();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(said));
}

TEST(SelectSendTest, SendersAndReceiversOfHandlesMeet) {
  Simulator sim;
  auto [sender, receiver] = MakeChannel<int>(0);
  auto [sink, source] = MakeOneShot<int>();
  UnboundedChannel<int> unbounded;
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    auto once = OnReceive(source, Into(values));
    for (int i = 0; i < 3; ++i) {
      const Chosen chosen = co_await Select(OnReceive(receiver, Into(values)),
                                            OnlyIf(i < 2, once),
                                            OnReceive(unbounded, Into(values)));
      EXPECT_EQ(*chosen, static_cast<std::size_t>(i));
    }
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<> {
    int value = 1;
    const Chosen chosen = co_await Select(OnSend(sender, value));
    EXPECT_TRUE(chosen.ok());
  });
  sim.RunUntilIdle();
  EXPECT_TRUE(sink.Send(2));
  sim.RunUntilIdle();
  EXPECT_TRUE(unbounded.Send(3).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1, 2, 3));
}

TEST(SelectSendTest, AValueThatIsOfferedTwiceIsSentWholeOnce) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Simulator sim(seed);
    Channel<Box> left(0);
    Channel<Box> right(0);
    Box value = std::make_unique<int>(1);
    std::vector<Box> received;

    sim.Spawn([&]() -> Task<> {
      std::ignore = co_await Select(OnSend(left, value), OnSend(right, value));
    });
    sim.RunFor(absl::Milliseconds(1));
    for (Channel<Box>* const channel : {&right, &left}) {
      if (std::optional<Box> got = channel->TryReceive()) {
        received.push_back(*std::move(got));
      }
    }
    sim.RunUntilIdle();

    ASSERT_THAT(received, SizeIs(1));
    ASSERT_NE(received[0], nullptr);
    EXPECT_EQ(value, nullptr);
  }
}

TEST(SelectSendTest, AValueThatIsOfferedTwiceAndNotSentIsKept) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Simulator sim(seed);
    Channel<Box> left(0);
    Channel<Box> right(0);
    Box value = std::make_unique<int>(1);

    sim.Spawn([&]() -> Task<> {
      std::ignore = co_await Select(OnSend(left, value), OnSend(right, value),
                                    OnTimeout(absl::Seconds(1)));
    });
    sim.RunUntilIdle();

    ASSERT_NE(value, nullptr);
  }
}

// --- Two Selects that meet --------------------------------------------------

TEST(SelectSendTest, TwoMeetInAChannelWithoutAQueue) {
  Simulator sim;
  Channel<int> there(0);
  Channel<int> back(0);
  std::vector<int> ping;
  std::vector<int> pong;
  int one = 1;
  int two = 2;

  sim.Spawn([&]() -> Task<> {
    std::ignore =
        co_await Select(OnSend(there, one), OnReceive(back, Into(ping)));
  });
  sim.Spawn([&]() -> Task<> {
    std::ignore =
        co_await Select(OnReceive(there, Into(pong)), OnSend(back, two));
  });
  sim.RunUntilIdle();

  EXPECT_EQ(ping.size() + pong.size(), 1u);
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SelectSendDeathTest, OneThatWouldBeItsOwnPartnerIsRefused) {
  EXPECT_DEATH(
      {
        Simulator sim;
        Channel<int> channel(0);
        int value = 1;
        sim.Spawn([&]() -> Task<> {
          std::ignore =
              co_await Select(OnSend(channel, value),
                              OnReceive(channel, [](absl::StatusOr<int>) {}));
        });
        sim.RunUntilIdle();
      },
      "its own partner");
}

TEST(SelectSendTest, OneMayDoBothOnAChannelWithAQueue) {
  Simulator sim;
  Channel<int> channel(1);
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    for (int i = 0; i < 10; ++i) {
      std::ignore =
          co_await Select(OnSend(channel, i), OnReceive(channel, Into(values)));
    }
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(0, 2, 4, 6, 8));
}

// Does something of its own when it is looked at, and is never ready.
class Meanwhile final : public Arm {
 public:
  explicit Meanwhile(std::function<void()> action)
      : action_(std::move(action)) {}

  bool TryNow() noexcept override {
    action_();
    return false;
  }
  Parking Park() noexcept override { return Parking::kParked; }
  void Unpark() noexcept override {}
  void Deliver() override {}

 private:
  const std::function<void()> action_;
};

// Full when the send looks, empty when the receive looks, and full again when
// they park: the second to park comes upon the first, and takes effect.
TEST(SelectSendTest, OthersMayFillAndDrainAChannelThatItIsOnBothSidesOf) {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Simulator sim(seed);
    Channel<int> channel(1);
    Fill(channel, {1});
    int sent = 1;
    int received = 0;
    Meanwhile drain([&] { received += channel.TryReceive().has_value(); });
    Meanwhile fill([&] {
      int value = 2;
      sent += channel.TrySend(value) ? 1 : 0;
    });

    sim.Spawn([&]() -> Task<> {
      int value = 3;
      std::ignore = co_await Select(
          OnSend(channel, value, [&] { ++sent; }), drain,
          OnReceive(channel, [&](absl::StatusOr<int>) { ++received; }), fill);
    });
    sim.RunUntilIdle();
    received += channel.TryReceive().has_value() ? 1 : 0;

    EXPECT_EQ(sent, received);
    EXPECT_FALSE(sim.AnyTasks());
  }
}

TEST(SelectSendTest, OneMayWaitTwiceInTheSameQueue) {
  Simulator sim;
  Channel<int> channel(1);
  std::vector<int> values;

  sim.Spawn(ReceiveFrom(channel, channel, values));
  sim.RunUntilIdle();
  Fill(channel, {1});
  Fill(channel, {2});
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1));
  EXPECT_EQ(channel.size(), 1u);
}

}  // namespace
}  // namespace weft::sync
