// Tests of how long a worker looks out for work before it sleeps.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/spin_budget.h"

#include <algorithm>
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

  for (int i = 0; i < 10; ++i) {
    const absl::Duration looked = budget.GetIn(kAlone);
    budget.LookedInVain(looked);
    budget.Slept(absl::Microseconds(130) - looked);
  }

  EXPECT_EQ(budget.GetIn(kAlone), absl::ZeroDuration());
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

// Work that comes so long after the last: looks for it or sleeps till it comes.
// Says how long it has looked.
absl::Duration Wait(SpinBudget& budget, absl::Duration work) {
  const absl::Duration looked = std::min(budget.GetIn(kAlone), work);
  if (looked == work) {
    budget.Found(looked);
    return looked;
  }
  if (looked > absl::ZeroDuration()) budget.LookedInVain(looked);
  budget.Slept(work - looked);
  return looked;
}

TEST(SpinBudgetTest, WorkThatComesOnlyWhenASleepWouldBeOverIsNotLookedForLong) {
  SpinBudget budget(kLongest);
  absl::Duration looked;
  for (int i = 0; i < 1000; ++i) looked += Wait(budget, kLongest * 0.9);

  EXPECT_LT(looked / 1000, kLongest / 10);
}

TEST(SpinBudgetTest, WorkThatIsNowNearAndNowFarIsNotLookedForLong) {
  SpinBudget budget(kLongest);
  absl::Duration looked;
  for (int i = 0; i < 1000; ++i) {
    looked += Wait(budget, kLongest * (i % 2 == 0 ? 0.9 : 1.1));
  }

  EXPECT_LT(looked / 1000, kLongest / 100);
}

TEST(SpinBudgetTest, AClosedLoopIsFoundAgainAfterMuchLookingInVain) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 1000; ++i) Wait(budget, kLongest * 1.1);

  for (int i = 0; i < 50; ++i) Wait(budget, kLongest / 2);

  EXPECT_EQ(Wait(budget, kLongest / 2), kLongest / 2);
}

TEST(SpinBudgetTest, APauseInAClosedLoopCostsOneLookInVain) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 100; ++i) {
    for (int request = 0; request < 20; ++request) {
      ASSERT_EQ(Wait(budget, kLongest / 4), kLongest / 4);
    }
    Wait(budget, absl::Milliseconds(1));
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
