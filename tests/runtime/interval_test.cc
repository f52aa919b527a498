// Tests of weft::Interval, in virtual time: when ticks are given, and what
// becomes of those that nobody waited for.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/interval.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kPeriod = absl::Milliseconds(100);
// What a wheel rounds up to: 2^15 nanoseconds.
constexpr absl::Duration kTick = absl::Nanoseconds(1 << 15);

// When a tick was due, and when it was given, in milliseconds from the start.
using Ticks = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Takes `count` ticks of an interval that begins at once; a turn takes no time
// but for the second, which takes `long_turn`.
Task<absl::Status> TakeTicks(MissedTicks missed, absl::Duration long_turn,
                             int count, Ticks& ticks) {
  const Instant start = Now();
  Interval interval(kPeriod, {.first = {}, .missed = missed});
  for (int i = 0; i < count; ++i) {
    const Instant due = co_await OrReturn(interval.Next());
    EXPECT_GE(Now(), due);
    ticks.emplace_back(absl::ToInt64Milliseconds(due - start),
                       absl::ToInt64Milliseconds(Now() - start));
    if (i == 1) co_await OrReturn(SleepFor(long_turn));
  }
  co_return absl::OkStatus();
}

Ticks TicksOf(MissedTicks missed, absl::Duration long_turn, int count) {
  testing::Simulator sim;
  Ticks ticks;
  EXPECT_EQ(sim.Run(TakeTicks(missed, long_turn, count, ticks)),
            absl::OkStatus());
  return ticks;
}

std::pair<std::int64_t, std::int64_t> Tick(std::int64_t due,
                                           std::int64_t given) {
  return {due, given};
}

TEST(IntervalTest, GivesTheFirstTickAtOnceAndTheOthersWhenTheyAreDue) {
  for (const MissedTicks missed :
       {MissedTicks::kBurst, MissedTicks::kSkip, MissedTicks::kDelay}) {
    EXPECT_THAT(TicksOf(missed, absl::Milliseconds(50), 4),
                ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 200),
                            Tick(300, 300)));
  }
}

TEST(IntervalTest, GivesAllTicksThatWereMissedInABurst) {
  EXPECT_THAT(
      TicksOf(MissedTicks::kBurst, absl::Milliseconds(350), 7),
      ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 450), Tick(300, 450),
                  Tick(400, 450), Tick(500, 500), Tick(600, 600)));
}

TEST(IntervalTest, SkipsTicksThatWereMissedAndKeepsTime) {
  EXPECT_THAT(TicksOf(MissedTicks::kSkip, absl::Milliseconds(350), 5),
              ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 450),
                          Tick(500, 500), Tick(600, 600)));
}

TEST(IntervalTest, LeavesAPeriodAfterATickThatWasLate) {
  EXPECT_THAT(TicksOf(MissedTicks::kDelay, absl::Milliseconds(350), 5),
              ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 450),
                          Tick(550, 550), Tick(650, 650)));
}

TEST(IntervalTest, MissesNothingWhereATickIsLessThanAPeriodLate) {
  EXPECT_THAT(
      TicksOf(MissedTicks::kBurst, absl::Milliseconds(150), 4),
      ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 250), Tick(300, 300)));
  EXPECT_THAT(
      TicksOf(MissedTicks::kSkip, absl::Milliseconds(150), 4),
      ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 250), Tick(300, 300)));
  EXPECT_THAT(
      TicksOf(MissedTicks::kDelay, absl::Milliseconds(150), 4),
      ElementsAre(Tick(0, 0), Tick(100, 100), Tick(200, 250), Tick(350, 350)));
}

// --- Drift ------------------------------------------------------------------

// The lateness of the last of many ticks, none of which is a whole number of
// the wheel's.
Task<absl::Status> TakeMany(MissedTicks missed, absl::Duration period,
                            absl::Duration& drift, int& early) {
  constexpr int kTicks = 10'000;
  const Instant start = Now();
  Interval interval(period, {.first = start + period, .missed = missed});
  Instant due = start;
  for (int i = 0; i < kTicks; ++i) {
    due = co_await OrReturn(interval.Next());
    if (Now() < due) ++early;
  }
  drift = due - (start + kTicks * period);
  co_return absl::OkStatus();
}

TEST(IntervalTest, DoesNotDriftInTenThousandTicks) {
  for (const MissedTicks missed : {MissedTicks::kBurst, MissedTicks::kSkip}) {
    testing::Simulator sim;
    absl::Duration drift = absl::InfiniteDuration();
    int early = 0;

    EXPECT_EQ(
        sim.Run(TakeMany(missed, absl::Nanoseconds(1'234'567), drift, early)),
        absl::OkStatus());

    EXPECT_EQ(drift, absl::ZeroDuration());
    EXPECT_EQ(early, 0);
  }
}

TEST(IntervalTest, IsNeverEarlyAndAtMostATickLateForEachWhereItDelays) {
  testing::Simulator sim;
  absl::Duration drift = absl::InfiniteDuration();
  int early = 0;

  EXPECT_EQ(sim.Run(TakeMany(MissedTicks::kDelay, absl::Milliseconds(1), drift,
                             early)),
            absl::OkStatus());

  EXPECT_GE(drift, absl::ZeroDuration());
  EXPECT_LE(drift, 10'000 * kTick);
  EXPECT_EQ(early, 0);
}

// --- The first tick, and beginning anew -------------------------------------

TEST(IntervalTest, BeginsWhenItIsToldTo) {
  testing::Simulator sim;
  const Instant first = sim.now() + absl::Seconds(7);
  Interval interval(kPeriod, {.first = first});  // Outside of a runtime.
  auto next = [](Interval& of) -> Task<absl::StatusOr<Instant>> {
    co_return co_await of.Next();
  };

  EXPECT_EQ(*sim.Run(next(interval)), first);
  EXPECT_GE(sim.now(), first);
  EXPECT_EQ(interval.due(), first + kPeriod);
  EXPECT_EQ(*sim.Run(next(interval)), first + kPeriod);
}

TEST(IntervalTest, BeginsAnewAPeriodAfterAReset) {
  testing::Simulator sim;
  auto reset = []() -> Task<absl::Status> {
    Interval interval(kPeriod);
    co_await OrReturn(interval.Next());
    co_await OrReturn(SleepFor(absl::Milliseconds(330)));
    const Instant now = Now();

    interval.Reset();

    EXPECT_EQ(interval.due(), now + kPeriod);
    const Instant due = co_await OrReturn(interval.Next());
    EXPECT_EQ(due, now + kPeriod);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(reset()), absl::OkStatus());
}

// The first tick was due ages ago, and there were more than can be counted.
TEST(IntervalTest, SkipsAnyNumberOfTicks) {
  testing::Simulator sim;
  auto skip = []() -> Task<absl::Status> {
    const Instant long_ago = Now() - absl::InfiniteDuration();
    Interval interval(absl::Nanoseconds(1),
                      {.first = long_ago, .missed = MissedTicks::kSkip});

    const Instant due = co_await OrReturn(interval.Next());

    EXPECT_EQ(due, long_ago);
    EXPECT_EQ(interval.due(), Now() + absl::Nanoseconds(1));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(skip()), absl::OkStatus());
}

TEST(IntervalTest, OfAnInfinitePeriodTicksOnce) {
  for (const MissedTicks missed :
       {MissedTicks::kBurst, MissedTicks::kSkip, MissedTicks::kDelay}) {
    testing::Simulator sim;
    auto tick = [](MissedTicks missed) -> Task<absl::Status> {
      Interval interval(absl::InfiniteDuration(),
                        {.first = {}, .missed = missed});
      co_await OrReturn(interval.Next());
      EXPECT_EQ(interval.due(), Instant::InfiniteFuture());
      co_return absl::OkStatus();
    };

    EXPECT_EQ(sim.Run(tick(missed)), absl::OkStatus());
  }
}

TEST(IntervalDeathTest, NeedsAPeriod) {
  for (const absl::Duration period :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Nanoseconds(0.5)}) {
    EXPECT_DEATH(Interval(period, {.first = Instant()}), "needs a period");
  }
}

// --- Turns and cancellation -------------------------------------------------

TEST(IntervalTest, LetsOthersRunDuringALongBurst) {
  testing::Simulator sim;
  int ticks_when_the_other_ran = 0;
  auto burst = [&]() -> Task<absl::Status> {
    int ticks = 0;
    Interval interval(kPeriod, {.first = Now() - 1000 * kPeriod});
    sim.Spawn([](int& ticks, int& seen) -> Task<> {
      seen = ticks;
      co_return;
    }(ticks, ticks_when_the_other_ran));
    for (; ticks < 1000; ++ticks) co_await OrReturn(interval.Next());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(burst()), absl::OkStatus());

  EXPECT_GT(ticks_when_the_other_ran, 0);
  EXPECT_LT(ticks_when_the_other_ran, 1000);
}

TEST(IntervalTest, KeepsATickWhoseWaitIsCancelled) {
  testing::Simulator sim;
  const Instant first = sim.now() + kPeriod;
  std::vector<Instant> given;
  std::optional<Interval> interval;
  auto start = [&]() -> Task<absl::Status> {
    given.clear();
    interval.emplace(kPeriod, IntervalOptions{.first = first});
    return [](Interval& of, std::vector<Instant>& given) -> Task<absl::Status> {
      for (int i = 0; i < 3; ++i) {
        const Instant due = co_await OrReturn(of.Next());
        given.push_back(due);
      }
      co_return absl::OkStatus();
    }(*interval, given);
  };
  auto check = [&](const absl::Status& result, const testing::Interrupted& at) {
    EXPECT_TRUE(at.undisturbed ? result.ok()
                               : absl::IsCancelled(result) || given.size() == 3)
        << result;
    EXPECT_EQ(interval->due(),
              first + static_cast<int>(given.size()) * kPeriod);
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({}, start, check);

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GE(*places, 3);
}

}  // namespace
}  // namespace weft
