// Tests of how long a worker looks out for work before it sleeps.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/spin_budget.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weft::internal {
namespace {

constexpr absl::Duration kLongest = absl::Microseconds(100);
constexpr SpinBudget::Company kAlone = {
    .awake_workers = 1, .blocking_threads = 0, .processors = 2};

TEST(SpinBudgetTest, LooksAgainAtOnceAfterASleepThatWasShort) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 10; ++i) budget.Slept(absl::Seconds(1));

  budget.Slept(absl::Microseconds(60));

  EXPECT_EQ(budget.GetIn(kAlone), kLongest);
}

TEST(SpinBudgetTest, WorkThatComesAfterALookInVainIsNotNear) {
  SpinBudget budget(kLongest);
  budget.Slept(absl::Milliseconds(1));
  budget.Slept(absl::Milliseconds(1));
  const absl::Duration looked = budget.GetIn(kAlone);
  ASSERT_EQ(looked, absl::Microseconds(25));

  budget.LookedInVain(looked);
  budget.Slept(absl::Microseconds(80));

  EXPECT_LT(budget.GetIn(kAlone), looked);
}

TEST(SpinBudgetTest, AfterAFewLongSleepsItDoesNotLookAtAll) {
  SpinBudget budget(kLongest);
  int looks = 0;
  for (; budget.GetIn(kAlone) > absl::ZeroDuration(); ++looks) {
    ASSERT_LT(looks, 10);
    budget.Slept(absl::Milliseconds(1));
  }
  budget.Slept(absl::Milliseconds(1));

  EXPECT_EQ(budget.GetIn(kAlone), absl::ZeroDuration());
}

TEST(SpinBudgetTest, ALookThatPaidMakesTheNextOneLong) {
  SpinBudget budget(kLongest);
  budget.Slept(absl::Milliseconds(1));

  budget.Found(absl::Microseconds(20));

  EXPECT_EQ(budget.GetIn(kAlone), kLongest);
}

constexpr absl::Duration kWake = absl::Microseconds(40);

// Work that comes after so long: the worker looks for it, or sleeps until it
// has come and a wake later. Says for how long it has looked.
absl::Duration Wait(SpinBudget& budget, absl::Duration work) {
  const absl::Duration looked = std::min(budget.GetIn(kAlone), work);
  if (looked == work) {
    budget.Found(looked);
    return looked;
  }
  if (looked > absl::ZeroDuration()) budget.LookedInVain(looked);
  budget.Slept(work - looked + kWake);
  return looked;
}

// All the microseconds that it looks in a hundred waits, from the thousandth
// on.
double LooksInAHundred(SpinBudget& budget,
                       const std::function<absl::Duration(int)>& work) {
  constexpr int kRounds = 10;
  for (int i = 0; i < 1000; ++i) Wait(budget, work(i));
  absl::Duration looked;
  for (int i = 0; i < 100 * kRounds; ++i) looked += Wait(budget, work(i));
  return absl::ToDoubleMicroseconds(looked) / kRounds;
}

TEST(SpinBudgetTest, WorkThatComesOnlyWhenASleepWouldBeOverIsHardlyLookedFor) {
  SpinBudget budget(kLongest);

  // Of 5,900 that the waits last, and 1,900 more for the wakes.
  const double looked = LooksInAHundred(
      budget, [](int i) { return absl::Microseconds(i % 2 == 0 ? 58 : 60); });

  EXPECT_LT(looked, 600);
  EXPECT_GT(looked, 0) << "it would never learn that times have changed";
}

TEST(SpinBudgetTest, WorkThatIsNowNearAndNowFarIsHardlyLookedFor) {
  SpinBudget budget(kLongest);

  const double looked = LooksInAHundred(
      budget, [](int i) { return absl::Microseconds(i % 2 == 0 ? 55 : 110); });

  EXPECT_LT(looked, 600);
}

TEST(SpinBudgetTest, AClosedLoopIsFoundAgainAfterMuchLookingInVain) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 1000; ++i) Wait(budget, absl::Microseconds(58));

  for (int i = 0; i < 64; ++i) Wait(budget, absl::Microseconds(40));

  EXPECT_EQ(Wait(budget, absl::Microseconds(40)), absl::Microseconds(40));
}

TEST(SpinBudgetTest, PausesInAClosedLoopRaiseNoDoubts) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 1000; ++i) Wait(budget, absl::Milliseconds(1));

  Wait(budget, absl::Microseconds(20));
  for (int i = 0; i < 100; ++i) {
    for (int request = 0; request < 9; ++request) {
      ASSERT_EQ(Wait(budget, absl::Microseconds(20)), absl::Microseconds(20));
    }
    Wait(budget, absl::Milliseconds(1));
  }
}

// The looks that two pauses have left short miss the first of three.
TEST(SpinBudgetTest, AShortBurstBetweenPausesIsFoundAllButItsFirst) {
  SpinBudget budget(kLongest);
  int found = 0;
  for (int i = 0; i < 100; ++i) {
    for (int request = 0; request < 3; ++request) {
      constexpr absl::Duration kNear = absl::Microseconds(40);
      if (Wait(budget, kNear) == kNear) ++found;
    }
    Wait(budget, absl::Milliseconds(1));
    Wait(budget, absl::Milliseconds(1));
  }

  EXPECT_GE(found, 200);
}

TEST(SpinBudgetTest, LooksThatOthersCutShortRaiseNoDoubts) {
  SpinBudget budget(kLongest);
  budget.Found(absl::Microseconds(90));
  EXPECT_LT(budget.GetIn(kAlone), kLongest);

  for (int i = 0; i < 2; ++i) {
    budget.LookedInVain(absl::Microseconds(10));
    budget.Slept(absl::Microseconds(60));
  }

  EXPECT_EQ(budget.GetIn(kAlone), kLongest);
}

TEST(SpinBudgetTest, WhereLongLooksAreAskedForALateFindIsNone) {
  constexpr absl::Duration kLong = absl::Milliseconds(1);
  SpinBudget budget(kLong);

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Wait(budget, kLong * 0.4), kLong * 0.4);
  }
}

TEST(SpinBudgetTest, WhereItIsSwitchedOffItNeverLooks) {
  SpinBudget budget(absl::ZeroDuration());
  budget.Found(absl::ZeroDuration());
  budget.Slept(absl::ZeroDuration());

  EXPECT_EQ(budget.GetIn(kAlone), absl::ZeroDuration());
}

TEST(SpinBudgetTest, BesideAWorkerThatIsUpItLooksForAShortWhileOnly) {
  const SpinBudget budget(kLongest);

  EXPECT_EQ(budget.GetIn(
                {.awake_workers = 2, .blocking_threads = 0, .processors = 2}),
            absl::Microseconds(10));
}

TEST(SpinBudgetTest, WithoutAProcessorToSpareItDoesNotLook) {
  const SpinBudget budget(kLongest);

  for (const auto& [workers, threads] : {std::pair(3, 0), {2, 1}, {1, 2}}) {
    EXPECT_EQ(budget.GetIn({.awake_workers = workers,
                            .blocking_threads = threads,
                            .processors = 2}),
              absl::ZeroDuration());
  }
}

TEST(SpinBudgetTest, BesideABlockingThreadThatHasAProcessorItLooks) {
  const SpinBudget budget(kLongest);

  EXPECT_EQ(budget.GetIn(
                {.awake_workers = 1, .blocking_threads = 1, .processors = 2}),
            kLongest);
}

}  // namespace
}  // namespace weft::internal
