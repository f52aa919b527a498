// Tests of weft::sync::Select: exactly one arm takes effect, and those that
// lose have done nothing.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/select.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/channel.h"
#include "weft/sync/channel_ends.h"
#include "weft/sync/event.h"
#include "weft/sync/latch.h"
#include "weft/sync/mutex.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/queue.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/shared_mutex.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/sync/watch.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::SizeIs;
using ::weft::testing::Simulator;

using Chosen = absl::StatusOr<std::size_t>;

// Keeps what an arm gave.
template <typename T>
class Into {
 public:
  explicit Into(std::vector<T>& values) : values_(values) {}
  void operator()(absl::StatusOr<T> value) {
    if (value.ok()) values_.push_back(*std::move(value));
  }

 private:
  std::vector<T>& values_;
};

void Fill(Channel<int>& channel, std::vector<int> values) {
  for (int& value : values) ASSERT_TRUE(channel.TrySend(value));
}

Task<Chosen> ReceiveFrom(Channel<int>& left, Channel<int>& right,
                         std::vector<int>& values) {
  co_return co_await Select(OnReceive(left, Into(values)),
                            OnReceive(right, Into(values)));
}

TEST(SelectTest, TakesTheArmThatIsReady) {
  Simulator sim;
  Channel<int> empty(1);
  Channel<int> full(1);
  Fill(full, {7});
  std::vector<int> values;

  const Chosen chosen = sim.Run(ReceiveFrom(empty, full, values));

  EXPECT_EQ(*chosen, 1u);
  EXPECT_THAT(values, ElementsAre(7));
  EXPECT_EQ(full.size(), 0u);
}

TEST(SelectTest, WaitsForTheFirstArmThatCan) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(1);
  std::vector<int> values;

  auto chosen = sim.SpawnJoinable(ReceiveFrom(left, right, values));
  sim.RunUntilIdle();
  ASSERT_FALSE(chosen.finished());
  Fill(right, {3});
  sim.RunUntilIdle();

  ASSERT_TRUE(chosen.finished());
  EXPECT_EQ(*chosen.BlockingJoin(), 1u);
  EXPECT_THAT(values, ElementsAre(3));
  Fill(left, {5});
  Fill(right, {6});
  sim.RunUntilIdle();
  EXPECT_THAT(values, ElementsAre(3));  // It waits nowhere any more.
}

TEST(SelectTest, TakesOnlyOneOfTwoThatComeBeforeItRuns) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(1);
  std::vector<int> values;

  sim.Spawn(ReceiveFrom(left, right, values));
  sim.RunUntilIdle();
  Fill(right, {3});
  Fill(left, {4});  // It has been granted the other, and has not run.
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(3));
  EXPECT_EQ(left.size(), 1u);
}

TEST(SelectTest, TheNextInTheQueueGetsWhatADecidedSelectDoesNot) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(0);
  std::vector<int> values;
  std::vector<int> behind;

  sim.Spawn(ReceiveFrom(left, right, values));
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<absl::Status> {
    behind.push_back(co_await OrReturn(right.Receive()));
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();
  Fill(left, {1});
  Fill(right, {2});  // To a receiver, past the arm that has lost.
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1));
  EXPECT_THAT(behind, ElementsAre(2));
}

TEST(SelectTest, StandsInEachQueueInItsTurn) {
  Simulator sim;
  Channel<int> left(0);
  Channel<int> right(0);
  std::vector<int> first;
  std::vector<int> second;

  sim.Spawn(ReceiveFrom(left, right, first));
  sim.RunUntilIdle();
  sim.Spawn(ReceiveFrom(left, right, second));
  sim.RunUntilIdle();
  Fill(right, {1});
  Fill(left, {2});
  sim.RunUntilIdle();

  EXPECT_THAT(first, ElementsAre(1));
  EXPECT_THAT(second, ElementsAre(2));
}

TEST(SelectTest, AClosedChannelIsReadyAndSaysSo) {
  Simulator sim;
  Channel<int> open(1);
  Channel<int> closed(1);
  closed.Close();
  absl::Status said;
  auto hear = [&](absl::StatusOr<int> value) { said = value.status(); };

  sim.Spawn([&]() -> Task<> {
    const Chosen chosen =
        co_await Select(OnReceive(open, hear), OnReceive(closed, hear));
    EXPECT_EQ(*chosen, 1u);
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(said));
}

TEST(SelectTest, AChannelThatClosesEndsTheWait) {
  Simulator sim;
  Channel<int> open(1);
  Channel<int> closing(1);
  absl::Status said;
  auto hear = [&](absl::StatusOr<int> value) { said = value.status(); };

  sim.Spawn([&]() -> Task<> {
    const Chosen chosen =
        co_await Select(OnReceive(open, hear), OnReceive(closing, hear));
    EXPECT_EQ(*chosen, 1u);
  });
  sim.RunUntilIdle();
  closing.Close();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsOutOfRange(said));
}

// --- Sends ------------------------------------------------------------------

using Box = std::unique_ptr<int>;

TEST(SelectTest, SendsWhereThereIsRoom) {
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

TEST(SelectTest, ASendThatLosesAfterItHasWaitedGivesTheValueBack) {
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

TEST(SelectTest, ASendToAChannelThatClosesKeepsTheValue) {
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

TEST(SelectTest, SendersAndReceiversOfHandlesMeet) {
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

TEST(SelectTest, AValueThatIsOfferedTwiceIsSentWholeOnce) {
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

TEST(SelectTest, AValueThatIsOfferedTwiceAndNotSentIsKept) {
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

TEST(SelectTest, TwoMeetInAChannelWithoutAQueue) {
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

TEST(SelectDeathTest, OneThatWouldBeItsOwnPartnerIsRefused) {
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

TEST(SelectTest, OneMayDoBothOnAChannelWithAQueue) {
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
TEST(SelectTest, OthersMayFillAndDrainAChannelThatItIsOnBothSidesOf) {
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

TEST(SelectTest, OneMayWaitTwiceInTheSameQueue) {
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

// --- Locks, permits, events -------------------------------------------------

TEST(SelectTest, TakesALockAndLeavesTheOther) {
  Simulator sim;
  Mutex held;
  Mutex free;
  std::optional<Mutex::Guard> guard(held.TryLock());

  sim.Spawn([&]() -> Task<> {
    std::optional<Mutex::Guard> got;
    const Chosen chosen = co_await Select(
        OnLock(held, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
        OnLock(free, [&](absl::StatusOr<Mutex::Guard> g) {
          got.emplace(*std::move(g));
        }));
    EXPECT_EQ(*chosen, 1u);
    EXPECT_FALSE(free.TryLock());
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(free.TryLock());
  guard.reset();
  EXPECT_TRUE(held.TryLock());
}

TEST(SelectTest, ALockIsHandedPastASelectThatHasLost) {
  Simulator sim;
  Mutex mutex;
  Event event;
  std::optional<Mutex::Guard> guard(mutex.TryLock());
  bool locked = false;

  sim.Spawn([&]() -> Task<> {
    const Chosen chosen = co_await Select(
        OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
        OnEvent(event));
    EXPECT_EQ(*chosen, 1u);
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<absl::Status> {
    Mutex::Guard mine = co_await OrReturn(mutex.Lock());
    locked = true;
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();
  event.Set();
  guard.reset();
  sim.RunUntilIdle();

  EXPECT_TRUE(locked);
  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectTest, TheLastToLoseALockLeavesItFree) {
  Simulator sim;
  Mutex mutex;
  Event event;
  std::optional<Mutex::Guard> guard(mutex.TryLock());

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(
        OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}), OnEvent(event));
  });
  sim.RunUntilIdle();
  event.Set();
  guard.reset();  // Its arm is in the queue still, and is dropped.
  EXPECT_TRUE(mutex.TryLock());
  sim.RunUntilIdle();

  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectTest, ABigRequestThatLosesHoldsUpNobody) {
  Simulator sim;
  Semaphore semaphore(1);
  Event event;
  int served = 0;

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(
        OnAcquire(semaphore, 3,
                  [](absl::StatusOr<Semaphore::Permit>) { FAIL(); }),
        OnEvent(event));
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
    ++served;
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();
  EXPECT_EQ(served, 0);  // First come, first served.
  event.Set();
  sim.RunUntilIdle();

  EXPECT_EQ(served, 1);
  EXPECT_EQ(semaphore.available(), 1);
}

TEST(SelectTest, ASemaphoreThatIsClosedIsReadyAndSaysSo) {
  Simulator sim;
  Semaphore semaphore(1);
  std::vector<absl::Status> said;
  auto hear = [&](const absl::StatusOr<Semaphore::Permit>& permit) {
    said.push_back(permit.status());
  };

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(OnAcquire(semaphore, 2, hear));
    std::ignore = co_await Select(OnAcquire(semaphore, 1, hear));
    std::ignore = co_await Select(OnAcquire(semaphore, -1, hear));
  });
  sim.RunUntilIdle();
  semaphore.Close();
  sim.RunUntilIdle();

  ASSERT_THAT(said, SizeIs(3));
  EXPECT_TRUE(absl::IsOutOfRange(said[0]));
  EXPECT_TRUE(absl::IsOutOfRange(said[1]));
  EXPECT_TRUE(absl::IsInvalidArgument(said[2]));
}

TEST(SelectTest, ReadersComeInPastAWriterThatHasLost) {
  Simulator sim;
  SharedMutex mutex;
  Event event;
  bool read = false;
  const SharedMutex::SharedGuard reading = mutex.TryLockShared();

  sim.Spawn([&]() -> Task<> {
    auto keep = [](absl::StatusOr<SharedMutex::Guard>) { FAIL(); };
    std::ignore = co_await Select(OnLock(mutex, keep), OnEvent(event));
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<> {
    auto keep = [&](absl::StatusOr<SharedMutex::SharedGuard> guard) {
      read = guard.ok();
    };
    std::ignore = co_await Select(OnLockShared(mutex, keep));
  });
  sim.RunUntilIdle();
  EXPECT_FALSE(read);  // Behind the writer.
  event.Set();
  sim.RunUntilIdle();

  EXPECT_TRUE(read);
}

TEST(SelectTest, AnEventAndALatchAreChosenWhenTheyHappen) {
  Simulator sim;
  Event event;
  Latch latch(1);

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    co_return co_await Select(OnEvent(event), OnEvent(latch));
  });
  sim.RunUntilIdle();
  latch.CountDown();
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 1u);
}

// --- Queues, broadcasts, watches --------------------------------------------

TEST(SelectTest, AReceiverOfABroadcastThatLosesIsFreeAgain) {
  Simulator sim;
  Broadcast<int> broadcast(4);
  Broadcast<int>::Receiver receiver = broadcast.Subscribe();
  std::vector<int> values;
  std::vector<std::size_t> chosen;

  sim.Spawn([&]() -> Task<> {
    auto arm = OnReceive(receiver, Into(values));
    for (int i = 0; i < 2; ++i) {
      chosen.push_back(*co_await Select(arm, OnDefault()));
      chosen.push_back(*co_await Select(arm, OnTimeout(absl::Seconds(1))));
      EXPECT_FALSE(receiver.TryReceive().has_value());
    }
    chosen.push_back(*co_await Select(arm));
  });
  sim.RunFor(absl::Seconds(3));
  EXPECT_TRUE(broadcast.Send(7).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(chosen, ElementsAre(1, 1, 1, 1, 0));
  EXPECT_THAT(values, ElementsAre(7));
}

TEST(SelectTest, AnObserverThatLosesIsFreeAgain) {
  Simulator sim;
  Watch<int> watch(1);
  Watch<int>::Observer observer = watch.Observe();
  EXPECT_EQ(observer.Get(), 1);
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    auto arm = OnNext(observer, Into(values));
    std::ignore = co_await Select(arm, OnDefault());
    std::ignore = co_await Select(arm, OnTimeout(absl::Seconds(1)));
    EXPECT_EQ(observer.Get(), 1);
    std::ignore = co_await Select(arm);
  });
  sim.RunFor(absl::Seconds(2));
  EXPECT_TRUE(watch.Set(2).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(2));
}

TEST(SelectTest, WhatAnArmStoodInMayGoBeforeTheArm) {
  Simulator sim;

  sim.Spawn([]() -> Task<absl::Status> {
    auto ignore = [](absl::StatusOr<int>) {};
    auto watch = std::make_unique<Watch<int>>(1);
    auto observer = std::make_unique<Watch<int>::Observer>(watch->Observe());
    auto broadcast = std::make_unique<Broadcast<int>>(1);
    auto receiver =
        std::make_unique<Broadcast<int>::Receiver>(broadcast->Subscribe());
    co_await OrReturn(broadcast->Send(1));
    auto next = OnNext(*observer, ignore);
    auto receive = OnReceive(*receiver, ignore);
    co_await OrReturn(Select(next));
    co_await OrReturn(Select(receive));
    observer.reset();
    watch.reset();
    receiver.reset();
    broadcast.reset();
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();

  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SelectTest, AnItemOfAQueueIsStillToBeDone) {
  Simulator sim;
  Queue<int> queue(1);
  std::vector<int> items;

  sim.Spawn([&]() -> Task<> {
    std::ignore =
        co_await Select(OnGet(queue, Into(items)), OnTimeout(absl::Seconds(1)));
  });
  sim.RunFor(absl::Milliseconds(1));
  int item = 3;
  EXPECT_TRUE(queue.TryPut(item));
  sim.RunUntilIdle();

  EXPECT_THAT(items, ElementsAre(3));
  EXPECT_EQ(queue.unfinished(), 1);
  queue.TaskDone();
}

// --- Time -------------------------------------------------------------------

TEST(SelectTest, GivesUpAfterItsTimeout) {
  Simulator sim;
  Channel<int> channel(1);
  const Instant begin = sim.now();

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    co_return co_await Select(
        OnReceive(channel, [](absl::StatusOr<int>) { FAIL(); }),
        OnTimeout(absl::Seconds(1)));
  });
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 1u);
  EXPECT_THAT(sim.now() - begin, Ge(absl::Seconds(1)));
  int value = 1;
  EXPECT_TRUE(channel.TrySend(value));
  EXPECT_EQ(channel.size(), 1u);
}

TEST(SelectTest, ATimeoutThatLosesLeavesNoTimerBehind) {
  Simulator sim;
  Channel<int> channel(1);
  std::vector<int> values;
  const Instant begin = sim.now();

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(OnReceive(channel, Into(values)),
                                  OnTimeout(absl::Hours(1)));
  });
  sim.RunFor(absl::Milliseconds(1));
  Fill(channel, {1});
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1));
  EXPECT_LT(sim.now() - begin, absl::Seconds(1));
}

TEST(SelectTest, ADeadlineHoldsForAWholeLoop) {
  Channel<int> channel(0);
  Simulator sim;  // Ends the sender.
  int received = 0;

  sim.Spawn([&]() -> Task<> {
    const Instant deadline = Now() + absl::Milliseconds(350);
    for (std::size_t chosen = 0; chosen == 0;) {
      chosen = *co_await Select(
          OnReceive(channel, [&](absl::StatusOr<int>) { ++received; }),
          OnDeadline(deadline));
    }
  });
  sim.Spawn([&]() -> Task<absl::Status> {
    for (;;) {
      co_await OrReturn(SleepFor(absl::Milliseconds(100)));
      co_await OrReturn(channel.Send(1));
    }
  });
  sim.RunFor(absl::Seconds(1));

  EXPECT_EQ(received, 3);
}

TEST(SelectTest, ATimeoutOfNothingIsReadyAtOnce) {
  Simulator sim;
  Event never;
  bool timed_out = false;

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(
        OnEvent(never),
        OnTimeout(absl::ZeroDuration(), [&] { timed_out = true; }));
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(timed_out);
}

// --- Choosing ---------------------------------------------------------------

TEST(SelectTest, TheDefaultIsChosenWhereNothingIsReady) {
  Simulator sim;
  Channel<int> channel(0);
  Mutex mutex;
  Mutex::Guard guard = mutex.TryLock();
  std::vector<int> values;
  std::vector<std::size_t> chosen;

  sim.Spawn([&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      chosen.push_back(*co_await Select(
          OnReceive(channel, Into(values)),
          OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
          OnDefault()));
      std::ignore = co_await SleepFor(absl::Seconds(1));
    }
  });
  sim.RunFor(absl::Milliseconds(1));
  sim.Spawn([&]() -> Task<absl::Status> {
    co_return co_await channel.Send(1);  // Waits for a receiver.
  });
  sim.RunUntilIdle();

  EXPECT_THAT(chosen, ElementsAre(2, 0));
  EXPECT_THAT(values, ElementsAre(1));
  guard.Unlock();
  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectTest, AnArmThatIsSwitchedOffIsNotThere) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(1);
  Fill(left, {1});
  Fill(right, {2});
  std::vector<int> values;

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    std::ignore = co_await Select(OnlyIf(false, OnReceive(left, Into(values))),
                                  OnReceive(right, Into(values)));
    co_return co_await Select(OnlyIf(false, OnReceive(left, Into(values))));
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(2));
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(task.BlockingJoin().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(SelectTest, IsFairToThoseThatAreReady) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(1);
  std::vector<int> counts(2);

  sim.Spawn([&]() -> Task<> {
    for (int i = 0; i < 1000; ++i) {
      int value = i;
      left.TrySend(value);
      right.TrySend(value);
      ++counts[*co_await Select(OnReceive(left, [](absl::StatusOr<int>) {}),
                                OnReceive(right, [](absl::StatusOr<int>) {}))];
    }
  });
  sim.RunUntilIdle();

  EXPECT_THAT(counts, ::testing::Each(Ge(400)));
}

TEST(SelectTest, ChoosesAsItsSeedSays) {
  auto choices = [](std::uint64_t seed) {
    Simulator sim(seed);
    Event left;
    Event right;
    left.Set();
    right.Set();
    std::vector<std::size_t> chosen;
    sim.Spawn([&]() -> Task<> {
      for (int i = 0; i < 64; ++i) {
        chosen.push_back(*co_await Select(OnEvent(left), OnEvent(right)));
      }
    });
    sim.RunUntilIdle();
    return chosen;
  };

  EXPECT_EQ(choices(1), choices(1));
  EXPECT_NE(choices(1), choices(2));
}

TEST(SelectTest, LetsOthersHaveATurn) {
  Simulator sim;
  Event set;
  set.Set();
  bool over = false;
  int turns = 0;

  sim.Spawn([&]() -> Task<> {
    while (!over) {
      std::ignore = co_await Select(OnEvent(set), OnDefault());
      ++turns;
    }
  });
  sim.Spawn([&]() -> Task<> {
    over = true;
    co_return;
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(over);
}

TEST(SelectTest, AHandlerThatThrowsHasHadItsArmTakeEffect) {
  Simulator sim;
  Channel<int> channel(1);
  Fill(channel, {1});
  bool caught = false;

  sim.Spawn([&]() -> Task<> {
    auto throws = [](absl::StatusOr<int>) { throw std::runtime_error("no"); };
    try {
      std::ignore = co_await Select(OnReceive(channel, throws));
    } catch (const std::runtime_error&) {
      caught = true;
    }
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(caught);
  EXPECT_EQ(channel.size(), 0u);
}

// --- Many arms, again and again ---------------------------------------------

TEST(SelectTest, OneOfAsManyAsThereAreIsChosen) {
  Simulator sim;
  constexpr std::size_t kChannels = 64;
  std::vector<std::unique_ptr<Channel<int>>> channels;
  for (std::size_t i = 0; i < kChannels; ++i) {
    channels.push_back(std::make_unique<Channel<int>>(1));
  }
  std::vector<int> values;
  std::vector<std::size_t> chosen;

  sim.Spawn([&]() -> Task<> {
    ArmSet arms(kChannels, [&](std::size_t i) {
      return OnReceive(*channels[i], Into(values));
    });
    for (int i = 0; i < 3; ++i) chosen.push_back(*co_await Select(arms));
  });
  for (const int next : {63, 0, 17}) {
    sim.RunUntilIdle();
    Fill(*channels[next], {next});
  }
  sim.RunUntilIdle();

  EXPECT_THAT(chosen, ElementsAre(63, 0, 17));
  EXPECT_THAT(values, ElementsAre(63, 0, 17));
}

TEST(SelectTest, ArmsWithNamesCanBeUsedAgain) {
  Simulator sim;
  Channel<int> numbers(0);
  Event stop;
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    auto number = OnReceive(numbers, Into(values));
    auto end = OnEvent(stop);
    for (std::size_t chosen = 0; chosen == 0;) {
      chosen = *co_await Select(number, end);
    }
  });
  sim.Spawn([&]() -> Task<absl::Status> {
    for (int i = 0; i < 3; ++i) co_await OrReturn(numbers.Send(i));
    stop.Set();
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(0, 1, 2));
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SelectDeathTest, AnArmStandsInOneSelectAndOnce) {
  EXPECT_DEATH(
      {
        Simulator sim;
        Channel<int> channel(1);
        sim.Spawn([&]() -> Task<> {
          auto arm = OnReceive(channel, [](absl::StatusOr<int>) {});
          std::ignore = co_await Select(arm, arm);
        });
        sim.RunUntilIdle();
      },
      "in one Select at a time");
}

TEST(SelectTest, ASelectWithANameMayBeAwaitedAgain) {
  Simulator sim;
  Channel<int> channel(2);
  Fill(channel, {1, 2});
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    auto number = OnReceive(channel, Into(values));
    auto select = Select(number);
    std::ignore = co_await select;
    std::ignore = co_await select;
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1, 2));
}

TEST(SelectTest, AmongNoArmsThereIsNothingToWaitFor) {
  Simulator sim;

  auto task = sim.SpawnJoinable([]() -> Task<Chosen> {
    ArmSet<DefaultArm<JustChosen>> none(
        0, [](std::size_t) { return OnDefault(); });
    co_return co_await Select(none);
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsFailedPrecondition(task.BlockingJoin().status()));
}

// --- Ends -------------------------------------------------------------------

Task<int> GiveAfter(absl::Duration duration, int value) {
  std::ignore = co_await SleepFor(duration);
  co_return value;
}

TEST(SelectTest, ACancelledWaitHasDoneNothing) {
  Simulator sim;
  Channel<int> source(1);
  Channel<Box> sink(0);
  Mutex mutex;
  std::optional<Mutex::Guard> guard(mutex.TryLock());
  Box value = std::make_unique<int>(1);
  JoinHandle<int> other = sim.SpawnJoinable(GiveAfter, absl::Hours(2), 1);

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    co_return co_await Select(
        OnReceive(source, [](absl::StatusOr<int>) { FAIL(); }),
        OnSend(sink, value, [] { FAIL(); }),
        OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
        OnJoin(other, [](absl::StatusOr<int>) { FAIL(); }),
        OnTimeout(absl::Hours(1), [] { FAIL(); }));
  });
  sim.RunFor(absl::Seconds(1));
  task.Cancel();
  Fill(source, {1});
  sim.RunFor(absl::Seconds(1));

  ASSERT_TRUE(task.finished());
  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin().status()));
  EXPECT_EQ(source.size(), 1u);
  EXPECT_EQ(*value, 1);
  guard.reset();
  EXPECT_TRUE(mutex.TryLock());
  sim.RunUntilIdle();
  EXPECT_EQ(*other.BlockingJoin(), 1);
}

TEST(SelectTest, InACancelledTaskNothingTakesEffect) {
  Simulator sim;
  Channel<int> ready(1);
  Fill(ready, {1});

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    std::ignore = co_await SleepFor(absl::Hours(1));
    co_return co_await Select(
        OnReceive(ready, [](absl::StatusOr<int>) { FAIL(); }),
        OnDefault([] { FAIL(); }));
  });
  sim.RunFor(absl::Seconds(1));
  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin().status()));
  EXPECT_EQ(ready.size(), 1u);
}

TEST(SelectTest, OneThatWasGrantedBeforeItIsCancelledHasIt) {
  Simulator sim;
  Channel<int> left(1);
  Channel<int> right(1);
  std::vector<int> values;

  auto task = sim.SpawnJoinable(ReceiveFrom(left, right, values));
  sim.RunUntilIdle();
  Fill(left, {1});
  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 0u);
  EXPECT_THAT(values, ElementsAre(1));
}

TEST(SelectTest, ItDiesWithItsRuntimeAndLeavesEveryQueue) {
  Channel<int> channel(1);
  Mutex mutex;
  Event event;
  {
    Simulator sim;
    Mutex::Guard guard = mutex.TryLock();
    sim.Spawn([&]() -> Task<> {
      std::ignore =
          co_await Select(OnReceive(channel, [](absl::StatusOr<int>) {}),
                          OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}),
                          OnEvent(event), OnTimeout(absl::Hours(1)));
    });
    sim.RunFor(absl::Seconds(1));
  }

  Fill(channel, {1});
  EXPECT_EQ(channel.size(), 1u);
  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectTest, ALockOnItsWayToADyingRuntimeIsFreeAgain) {
  Mutex mutex;
  Event event;
  {
    Simulator sim;
    std::optional<Mutex::Guard> guard(mutex.TryLock());
    sim.Spawn([&]() -> Task<> {
      std::ignore = co_await Select(
          OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}), OnEvent(event));
    });
    sim.RunUntilIdle();
    guard.reset();  // Granted; it never runs.
  }

  EXPECT_TRUE(mutex.TryLock());
}

}  // namespace
}  // namespace weft::sync
