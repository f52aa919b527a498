// Tests of weft::Select over channels: exactly one arm takes effect, and those
// that lose have done nothing. Where it is fair, where it ends, and what it
// costs those behind it. select_sends_test.cc, select_locks_test.cc and
// runtime/select_test.cc have the other arms.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/select.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/arm_set.h"
#include "weft/runtime/join_arm.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/select.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/timer_arm.h"
#include "weft/sync/channel.h"
#include "weft/sync/event.h"
#include "weft/sync/mutex.h"
#include "weft/tests/sync/select_steps.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::weft::testing::Simulator;

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
  Mutex::Guard guard = mutex.TryLock();
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
  guard.Unlock();
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
    Mutex::Guard guard = mutex.TryLock();
    sim.Spawn([&]() -> Task<> {
      std::ignore = co_await Select(
          OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}), OnEvent(event));
    });
    sim.RunUntilIdle();
    guard.Unlock();  // Granted; it never runs.
  }

  EXPECT_TRUE(mutex.TryLock());
}

}  // namespace
}  // namespace weft::sync
