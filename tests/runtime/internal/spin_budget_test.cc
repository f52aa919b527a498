// Tests of how long a worker looks out for work before it sleeps.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/spin_budget.h"

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

  budget.Paid();

  EXPECT_EQ(budget.GetIn(kAlone), kLongest);
}

TEST(SpinBudgetTest, WhereItIsSwitchedOffItNeverLooks) {
  SpinBudget budget(absl::ZeroDuration());
  budget.Paid();
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
