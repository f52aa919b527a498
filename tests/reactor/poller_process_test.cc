// The ends of processes as a poller's events. poller_test.cc has the rest of
// the contract.
//
// SPDX-License-Identifier: MIT

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/tests/reactor/poller_fixture.h"
#include "weft/tests/support/mortal.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

using PollerProcessTest = PollerTest;

TEST_F(PollerProcessTest, TellsOnceThatAProcessHasEnded) {
  testing::Mortal mortal;
  ASSERT_TRUE(poller_.AddProcess(mortal.number(), kToken).ok());
  EXPECT_THAT(Poll(), IsEmpty());

  mortal.End();

  AwaitReadable(kToken);
  EXPECT_THAT(Poll(), IsEmpty());
}

// Which of the two is the system's choice; ChildExits knows both.
TEST_F(PollerProcessTest, AnEndBeforeTheWatchIsAnEventOrAnError) {
  testing::Mortal mortal;
  mortal.End();

  const absl::Status added = poller_.AddProcess(mortal.number(), kToken);

  if (added.ok()) {
    AwaitReadable(kToken);
  } else {
    EXPECT_EQ(added.code(), absl::StatusCode::kNotFound) << added;
  }
}

TEST_F(PollerProcessTest, AProcessIsWatchedOnceAndCanBeForgotten) {
  testing::Mortal mortal;
  ASSERT_TRUE(poller_.AddProcess(mortal.number(), kToken).ok());

  EXPECT_EQ(poller_.AddProcess(mortal.number(), kOther).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(poller_.RemoveProcess(mortal.number()).ok());
  EXPECT_TRUE(poller_.RemoveProcess(mortal.number()).ok());
  mortal.End();

  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerProcessTest, KnowsNoProcessOfANumberThatIsNoOnes) {
  testing::Mortal mortal;
  mortal.End();
  mortal.Reap();

  EXPECT_EQ(poller_.AddProcess(mortal.number(), kToken).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace weft::reactor
