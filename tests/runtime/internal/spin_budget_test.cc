// Tests of how long a worker looks out for work before it sleeps.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/spin_budget.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weft::internal {
namespace {

constexpr absl::Duration kLongest = absl::Microseconds(100);

TEST(SpinBudgetTest, LooksAgainAtOnceAfterASleepThatWasShort) {
  SpinBudget budget(kLongest);
  for (int i = 0; i < 10; ++i) budget.Slept(absl::Seconds(1));

  budget.Slept(absl::Microseconds(60));

  EXPECT_EQ(budget.get(), kLongest);
}

TEST(SpinBudgetTest, AfterAFewLongSleepsItDoesNotLookAtAll) {
  SpinBudget budget(kLongest);
  int looks = 0;
  for (; budget.get() > absl::ZeroDuration(); ++looks) {
    ASSERT_LT(looks, 10);
    budget.Slept(absl::Milliseconds(1));
  }
  budget.Slept(absl::Milliseconds(1));

  EXPECT_EQ(budget.get(), absl::ZeroDuration());
}

TEST(SpinBudgetTest, ALookThatPaidMakesTheNextOneLong) {
  SpinBudget budget(kLongest);
  budget.Slept(absl::Milliseconds(1));

  budget.Paid();

  EXPECT_EQ(budget.get(), kLongest);
}

TEST(SpinBudgetTest, WhereItIsSwitchedOffItNeverLooks) {
  SpinBudget budget(absl::ZeroDuration());
  budget.Paid();
  budget.Slept(absl::ZeroDuration());

  EXPECT_EQ(budget.get(), absl::ZeroDuration());
}

}  // namespace
}  // namespace weft::internal
