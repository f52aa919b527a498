// Tests of what runtime and sync do when memory runs out: whichever allocation
// of an operation fails, it throws std::bad_alloc, nothing is leaked, nobody
// waits for ever, and the same operation succeeds afterwards.
//
// A program of its own, with interruption_test.cc, since it replaces the global
// operator new (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <new>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/allocations.h"
#include "weft/tests/sync/operations.h"

namespace weft::tests {
namespace {

using Behind = FailingAllocation::Behind;

class AllocationFailureTest : public ::testing::TestWithParam<Operation> {
 protected:
  void FailEverywhere(Behind behind);
};

enum class Ended { kWell, kWithoutMemory, kBadly };

// Runs the operation to its end in `sim`.
Ended RunOperation(testing::Simulator& sim, const Operation& operation) {
  try {
    const absl::Status status = sim.Run(operation.make());
    return status.ok() ? Ended::kWell : Ended::kBadly;
  } catch (const std::bad_alloc&) {
    return Ended::kWithoutMemory;
  }
}

// As above, with the n-th allocation failing; false where there is no n-th.
// Tasks that are left have been dropped, and end undisturbed.
bool RunWithFailure(const Operation& operation, int n, Behind behind) {
  testing::Simulator sim;
  ForgetFreeFrames();
  bool happened = false;
  Ended ended = Ended::kBadly;
  {
    const FailingAllocation failing(n, behind);
    ended = RunOperation(sim, operation);
    happened = failing.happened();
  }
  sim.RunUntilIdle();
  EXPECT_FALSE(sim.AnyTasks());
  EXPECT_EQ(ended, happened ? Ended::kWithoutMemory : Ended::kWell);
  EXPECT_EQ(RunOperation(sim, operation), Ended::kWell);
  sim.RunUntilIdle();
  return happened;
}

void AllocationFailureTest::FailEverywhere(Behind behind) {
  constexpr int kSurelyEnough = 1'000;
  // What is made once in a program is made.
  RunWithFailure(GetParam(), kSurelyEnough, behind);

  int n = 1;
  for (; n < kSurelyEnough; ++n) {
    SCOPED_TRACE(n);
    ForgetFreeFrames();
    const long live = LiveAllocations();
    const bool happened = RunWithFailure(GetParam(), n, behind);
    ForgetFreeFrames();
    ASSERT_EQ(LiveAllocations(), live) << "something is leaked";
    if (!happened) break;
  }

  EXPECT_GT(n, 1) << "it allocates nothing";
  EXPECT_LT(n, kSurelyEnough);
}

TEST_P(AllocationFailureTest, OfOneIsReportedWhereverItHappens) {
  FailEverywhere(Behind::kSucceed);
}

TEST_P(AllocationFailureTest, OfAllFromSomewhereOnIsReported) {
  FailEverywhere(Behind::kFail);
}

INSTANTIATE_TEST_SUITE_P(Any, AllocationFailureTest, EveryOperation(),
                         OperationName);

}  // namespace
}  // namespace weft::tests
