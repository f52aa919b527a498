// Tests of weft::SleepFor and weft::SleepUntil, in virtual time.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/sleep.h"

#include <time.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"

namespace weft {
namespace {

// What a wheel rounds up to: 2^15 nanoseconds.
constexpr absl::Duration kTick = absl::Nanoseconds(1 << 15);

Task<absl::Status> Sleep(absl::Duration duration) {
  absl::Status slept = co_await SleepFor(duration);
  co_return slept;
}

Task<absl::Status> SleepTill(Instant instant) {
  absl::Status slept = co_await SleepUntil(instant);
  co_return slept;
}

TEST(SleepTest, IsNeverShorterAndAtMostATickLonger) {
  testing::Simulator sim;
  for (absl::Duration asked :
       {absl::Nanoseconds(1), absl::Nanoseconds(32'768),
        absl::Nanoseconds(32'769), absl::Microseconds(999), absl::Seconds(1),
        absl::Hours(1), absl::Hours(24 * 365)}) {
    const Instant begin = sim.now();

    EXPECT_TRUE(sim.Run(Sleep(asked)).ok());

    EXPECT_GE(sim.now() - begin, asked);
    EXPECT_LE(sim.now() - begin, asked + kTick);
  }
}

TEST(SleepTest, AThousandSleepsInARowAreNeverShort) {
  testing::Simulator sim;
  auto sleep_often = []() -> Task<int> {
    int early = 0;
    for (int i = 1; i <= 1000; ++i) {
      const absl::Duration asked = absl::Nanoseconds(i * 7919);
      const Instant begin = Now();
      static_cast<void>(co_await SleepFor(asked));
      early += Now() - begin < asked;
    }
    co_return early;
  };

  EXPECT_EQ(*sim.Run(sleep_often()), 0);
}

TEST(SleepTest, OfNoLengthDoesNotSuspend) {
  testing::Simulator sim;
  bool other_ran = false;
  auto other = [](bool& ran) -> Task<> {
    ran = true;
    co_return;
  };
  auto run = [&]() -> Task<> {
    sim.Spawn(other(other_ran));
    for (absl::Duration none : {absl::ZeroDuration(), absl::Nanoseconds(-1),
                                absl::Hours(-1), -absl::InfiniteDuration()}) {
      absl::Status slept = co_await SleepFor(none);
      EXPECT_TRUE(slept.ok());
    }
    EXPECT_FALSE(other_ran);
  };
  const Instant begin = sim.now();

  EXPECT_TRUE(sim.Run(run()).ok());

  EXPECT_EQ(sim.now(), begin);
}

TEST(SleepTest, UntilAMomentThatHasPassedDoesNotSuspend) {
  testing::Simulator sim;
  const Instant begin = sim.now();

  EXPECT_TRUE(sim.Run(SleepTill(begin)).ok());
  EXPECT_TRUE(sim.Run(SleepTill(begin - absl::Seconds(1))).ok());
  EXPECT_TRUE(sim.Run(SleepTill(Instant())).ok());

  EXPECT_EQ(sim.now(), begin);
}

TEST(SleepTest, UntilAMomentEndsThen) {
  testing::Simulator sim;
  const Instant moment = sim.now() + absl::Seconds(90);

  EXPECT_TRUE(sim.Run(SleepTill(moment)).ok());

  EXPECT_GE(sim.now(), moment);
  EXPECT_LE(sim.now(), moment + kTick);
}

TEST(SleepTest, WithoutEndLastsUntilItIsCancelled) {
  testing::Simulator sim;
  JoinHandle<absl::Status> for_ever =
      sim.SpawnJoinable(Sleep(absl::InfiniteDuration()));
  JoinHandle<absl::Status> until_never =
      sim.SpawnJoinable(SleepTill(Instant::InfiniteFuture()));
  sim.RunFor(absl::Hours(24 * 365 * 100));
  ASSERT_FALSE(for_ever.finished());
  ASSERT_FALSE(until_never.finished());

  for_ever.Cancel();
  until_never.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(for_ever.finished());
  EXPECT_EQ(for_ever.BlockingJoin(), CancelledError());
  ASSERT_TRUE(until_never.finished());
  EXPECT_EQ(until_never.BlockingJoin(), CancelledError());
}

TEST(SleepTest, CancelledWhileItLastsEndsAtOnce) {
  testing::Simulator sim;
  JoinHandle<absl::Status> sleeper =
      sim.SpawnJoinable(Sleep(absl::Seconds(100)));
  sim.RunFor(absl::Seconds(10));
  const Instant cancelled_at = sim.now();

  sleeper.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(sleeper.finished());
  EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
  EXPECT_EQ(sim.now(), cancelled_at);
}

TEST(SleepTest, CancelledBeforeItBeginsDoesNotBeginWhateverItsLength) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  for (absl::Duration length :
       {absl::ZeroDuration(), absl::Seconds(1), absl::InfiniteDuration()}) {
    JoinHandle<absl::Status> sleeper = sim.SpawnJoinable(Sleep(length));

    sleeper.Cancel();
    sim.RunUntilIdle();

    ASSERT_TRUE(sleeper.finished());
    EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
  }
  EXPECT_EQ(sim.now(), begin);
}

TEST(SleepTest, CancelledAtTheMomentItsTimerFiredHasSlept) {
  testing::Simulator sim;
  JoinHandle<absl::Status> sleeper = sim.SpawnJoinable(Sleep(absl::Seconds(1)));
  bool sleeper_had_run = true;
  auto cancel_when_due = [&]() -> Task<> {
    static_cast<void>(co_await SleepFor(absl::Seconds(1)));
    // Both timers fired in the same look, and what fired last runs first.
    sleeper_had_run = sleeper.finished();
    sleeper.Cancel();
  };

  sim.Spawn(cancel_when_due());
  sim.RunUntilIdle();

  EXPECT_FALSE(sleeper_had_run);
  ASSERT_TRUE(sleeper.finished());
  EXPECT_TRUE(sleeper.BlockingJoin().ok());
}

TEST(SleepTest, EndsInTheOrderOfTheDeadlines) {
  testing::Simulator sim;
  constexpr int kSleepers = 1000;
  std::vector<int> woke;
  auto sleeper = [](int n, std::vector<int>& woke) -> Task<> {
    static_cast<void>(co_await SleepFor(absl::Milliseconds(n)));
    woke.push_back(n);
  };
  // Every number once, in a scattered order: 7 and 1000 share no factor.
  for (int i = 0; i < kSleepers; ++i) {
    sim.Spawn(sleeper(1 + (i * 7) % kSleepers, woke));
  }

  sim.RunUntilIdle();

  ASSERT_EQ(woke.size(), kSleepers);
  EXPECT_TRUE(std::is_sorted(woke.begin(), woke.end()));
}

// --- Clocks that jump ---

constexpr absl::Duration kTenYears = absl::Hours(24 * 3653);

// One clock is set, this way or that; the other one goes on.
class ClockThatIsSet final : public testing::SimulatedSystem {
 public:
  explicit ClockThatIsSet(clockid_t which) : which_(which) {}

  int clock_gettime(clockid_t clock, timespec* now) override {
    const int result = SimulatedSystem::clock_gettime(clock, now);
    if (clock == which_) {
      *now = absl::ToTimespec(absl::DurationFromTimespec(*now) + set_by_);
    }
    return result;
  }
  void Set(absl::Duration by) { set_by_ = by; }

 private:
  const clockid_t which_;
  absl::Duration set_by_;
};

TEST(SleepTest, CaresNothingForTheTimeOfDay) {
  for (absl::Duration jump : {kTenYears, -kTenYears}) {
    ClockThatIsSet system(CLOCK_REALTIME);
    testing::Simulator sim({.system = &system});
    JoinHandle<absl::Status> sleeper =
        sim.SpawnJoinable(Sleep(absl::Seconds(1)));
    sim.RunFor(absl::Milliseconds(500));

    system.Set(jump);
    sim.RunFor(absl::Milliseconds(499));
    ASSERT_FALSE(sleeper.finished());
    sim.RunFor(absl::Milliseconds(2));

    EXPECT_TRUE(sleeper.finished());
  }
}

// A machine that was stopped for so long.
TEST(SleepTest, TenYearsAtOnceEndWhatIsDueByThenAndNothingElse) {
  testing::SimulatedSystem system;
  testing::Simulator sim({.system = &system});
  JoinHandle<absl::Status> second = sim.SpawnJoinable(Sleep(absl::Seconds(1)));
  JoinHandle<absl::Status> due = sim.SpawnJoinable(Sleep(kTenYears));
  JoinHandle<absl::Status> not_due =
      sim.SpawnJoinable(Sleep(kTenYears + absl::Seconds(1)));
  sim.RunFor(absl::Milliseconds(500));

  system.AdvanceTo(sim.now() + kTenYears);
  sim.RunFor(absl::ZeroDuration());

  EXPECT_TRUE(second.finished());
  EXPECT_TRUE(due.finished());
  EXPECT_FALSE(not_due.finished());
}

// The system promises that it never does this.
TEST(SleepTest, TenYearsBackEndNothingThatHasBegunBefore) {
  ClockThatIsSet system(CLOCK_MONOTONIC);
  testing::Simulator sim({.system = &system});
  const Instant due = sim.now() + absl::Seconds(1);
  JoinHandle<absl::Status> sleeper = sim.SpawnJoinable(SleepTill(due));
  sim.RunFor(absl::Milliseconds(500));

  system.Set(-kTenYears);
  system.AdvanceTo(due + kTenYears - absl::Milliseconds(1));
  sim.RunFor(absl::ZeroDuration());
  EXPECT_FALSE(sleeper.finished());
  system.AdvanceTo(due + kTenYears + kTick);
  sim.RunFor(absl::ZeroDuration());

  EXPECT_TRUE(sleeper.finished());
}

TEST(SleepTest, MayBeMadeAndNeverAwaited) {
  testing::Simulator sim;
  auto run = []() -> Task<> {
    {
      SleepAwaiter never = SleepFor(absl::Seconds(1));
      static_cast<void>(never);
    }
    co_return;
  };
  const Instant begin = sim.now();

  EXPECT_TRUE(sim.Run(run()).ok());
  sim.RunUntilIdle();

  EXPECT_EQ(sim.now(), begin);
}

TEST(SleepTest, IsTakenOutOfTheWheelWhenItsFrameIsDestroyed) {
  int destroyed = 0;
  auto sleeper = [](int& destroyed) -> Task<> {
    struct Count {
      int& n;
      ~Count() { ++n; }
    } count{destroyed};
    static_cast<void>(co_await SleepFor(absl::Seconds(1)));
    ADD_FAILURE() << "woke without a runtime";
  };

  {
    testing::Simulator sim;
    for (int i = 0; i < 10; ++i) sim.Spawn(sleeper(destroyed));
    sim.RunFor(absl::Milliseconds(1));
    EXPECT_EQ(destroyed, 0);
  }

  EXPECT_EQ(destroyed, 10);
}

}  // namespace
}  // namespace weft
