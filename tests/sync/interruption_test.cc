// Tests of what runtime and sync leave behind when an operation is interrupted:
// cancelled, or passed by a deadline, at whatever suspension, in many
// schedules, it ends, says so, and has leaked nothing. What each primitive
// promises beyond that is in promise_test.cc.
//
// SPDX-License-Identifier: MIT

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/allocations.h"
#include "weft/tests/support/soak.h"
#include "weft/tests/sync/operations.h"

namespace weft::tests {
namespace {

class InterruptionTest : public ::testing::TestWithParam<Operation> {
 protected:
  // What is made once in a program is made.
  void SetUp() override {
    RunUndisturbed();
    ForgetFreeFrames();
    live_ = LiveAllocations();
  }
  void TearDown() override {
    ForgetFreeFrames();
    EXPECT_EQ(LiveAllocations(), live_) << "something is leaked";
    RunUndisturbed();
  }

  static void RunUndisturbed() {
    testing::Simulator sim;
    EXPECT_EQ(sim.Run(GetParam().make()), absl::OkStatus());
  }
  static int Seeds() { return static_cast<int>(Times(200)); }

  // An interruption may come too late, or be what the operation is about.
  static auto EndsWellOr(absl::StatusCode why) {
    return [why](const absl::Status& ended, const testing::Interrupted& at) {
      const bool as_it_should =
          ended.ok() || (!at.undisturbed && ended.code() == why);
      return as_it_should ? absl::OkStatus()
                          : absl::InternalError(ended.ToString());
    };
  }

 private:
  long live_ = 0;
};

TEST_P(InterruptionTest, ByACancellationLeavesNothingBehind) {
  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = Seeds()}, GetParam().make,
                                EndsWellOr(absl::StatusCode::kCancelled));

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GE(places.value_or(0), 1);
}

TEST_P(InterruptionTest, ByADeadlineLeavesNothingBehind) {
  const absl::StatusOr<int> places = testing::ExpireEverywhere(
      {.seeds = Seeds()}, GetParam().make,
      EndsWellOr(absl::StatusCode::kDeadlineExceeded));

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GE(places.value_or(0), 1);
}

INSTANTIATE_TEST_SUITE_P(Any, InterruptionTest, EveryOperation(),
                         OperationName);

}  // namespace
}  // namespace weft::tests
