// Tests of Pace with a clock that the test turns.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/pace.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weft::internal {
namespace {

using reactor::Instant;

constexpr int kTurns = Pace::kMaxTurnsBetweenChecks;
constexpr int kChecks = Pace::kMaxChecksBetweenLooks;

class PaceTest : public ::testing::Test {
 protected:
  // Ends turns that take `each` until a check is due, and says how many.
  int TurnsUntilCheck(absl::Duration each) {
    int turns = 0;
    do {
      now_ = now_ + each;
      ++turns;
    } while (!pace_.EndTurn());
    return turns;
  }

  // Looks after one check's worth of turns that take `each`.
  void LookAfterTurnsOf(absl::Duration each) {
    TurnsUntilCheck(each);
    pace_.BeginCheck();
    pace_.Look(now_);
  }

  // How many checks begin until one looks at the clock.
  int ChecksUntilLook() {
    int checks = 0;
    do {
      TurnsUntilCheck(absl::ZeroDuration());
      ++checks;
    } while (!pace_.BeginCheck());
    return checks;
  }

  Instant now_;
  Pace pace_;
};

TEST_F(PaceTest, TheFirstCheckLooksAtTheClock) {
  EXPECT_EQ(TurnsUntilCheck(absl::Nanoseconds(5)), kTurns);

  EXPECT_TRUE(pace_.BeginCheck());
}

TEST_F(PaceTest, TellsHowLongATurnTook) {
  TurnsUntilCheck(absl::Nanoseconds(40));
  pace_.BeginCheck();

  EXPECT_EQ(pace_.Look(now_), 40);
}

TEST_F(PaceTest, WhereTurnsAreShortSeveralChecksPassWithoutTheClock) {
  LookAfterTurnsOf(absl::Nanoseconds(5));

  EXPECT_EQ(ChecksUntilLook(), kChecks);
}

TEST_F(PaceTest, TheLengthOfATurnCountsTheTurnsOfAllChecksSinceTheLastLook) {
  LookAfterTurnsOf(absl::Nanoseconds(5));

  do {
    TurnsUntilCheck(absl::Nanoseconds(7));
  } while (!pace_.BeginCheck());

  EXPECT_EQ(pace_.Look(now_), 7);
}

TEST_F(PaceTest, WhereTurnsAreOfSomeLengthEveryCheckLooks) {
  LookAfterTurnsOf(absl::Nanoseconds(300));

  EXPECT_EQ(TurnsUntilCheck(absl::Nanoseconds(300)), kTurns);
  EXPECT_TRUE(pace_.BeginCheck());
}

TEST_F(PaceTest, WhereTurnsAreLongChecksComeAfterFewerOfThem) {
  LookAfterTurnsOf(absl::Microseconds(10));

  EXPECT_EQ(TurnsUntilCheck(absl::Microseconds(10)), 6);
  EXPECT_TRUE(pace_.BeginCheck());
}

TEST_F(PaceTest, AfterATurnOfAnHourEveryTurnIsFollowedByACheck) {
  LookAfterTurnsOf(absl::Hours(1));

  EXPECT_EQ(TurnsUntilCheck(absl::Hours(1)), 1);
}

TEST_F(PaceTest, ATurnOfACenturyIsALongOneAndNoMore) {
  LookAfterTurnsOf(absl::Hours(24 * 365));

  EXPECT_EQ(TurnsUntilCheck(absl::ZeroDuration()), 1);
}

TEST_F(PaceTest, FindsItsWayBackFromLongTurnsToShortOnes) {
  LookAfterTurnsOf(absl::Hours(1));
  LookAfterTurnsOf(absl::Nanoseconds(5));

  EXPECT_EQ(TurnsUntilCheck(absl::ZeroDuration()), kTurns);
}

TEST_F(PaceTest, ASleepIsNobodysTurn) {
  LookAfterTurnsOf(absl::Nanoseconds(5));
  now_ = now_ + absl::Hours(1);

  pace_.Restart(now_);
  TurnsUntilCheck(absl::Nanoseconds(9));

  EXPECT_EQ(pace_.Look(now_), 9);
}

TEST_F(PaceTest, TheFirstCheckAfterASleepLooks) {
  LookAfterTurnsOf(absl::Nanoseconds(5));

  pace_.Restart(now_);

  EXPECT_EQ(ChecksUntilLook(), 1);
}

TEST_F(PaceTest, ALookWithoutATurnLearnsNothing) {
  LookAfterTurnsOf(absl::Microseconds(10));

  EXPECT_EQ(pace_.Look(now_ + absl::Seconds(1)), 0);

  EXPECT_EQ(TurnsUntilCheck(absl::ZeroDuration()), 6);
  EXPECT_TRUE(pace_.BeginCheck());
}

TEST_F(PaceTest, TheNextCheckLooksWhereSomebodyAsksForIt) {
  LookAfterTurnsOf(absl::Nanoseconds(5));

  pace_.LookAtNextCheck();

  EXPECT_EQ(ChecksUntilLook(), 1);
}

TEST_F(PaceTest, FourChecksShareALookWhereTheyTakeAnEighthOfThePollInterval) {
  LookAfterTurnsOf(absl::Nanoseconds(25));

  EXPECT_EQ(ChecksUntilLook(), kChecks);
}

TEST_F(PaceTest, FourChecksShareNoLookWhereTheyTakeMore) {
  LookAfterTurnsOf(absl::Nanoseconds(26));

  EXPECT_EQ(ChecksUntilLook(), 1);
}

TEST_F(PaceTest, ACheckWithoutALookKeepsTheTunedNumberOfTurns) {
  LookAfterTurnsOf(absl::Microseconds(10));
  TurnsUntilCheck(absl::ZeroDuration());

  pace_.BeginCheck();

  EXPECT_EQ(TurnsUntilCheck(absl::ZeroDuration()), 6);
}

TEST_F(PaceTest, AJobGoesOnInPlaceForAllTurnsButTheLast) {
  int in_place = 0;
  while (pace_.EndTurnUnlessLast()) ++in_place;

  EXPECT_EQ(in_place, kTurns - 1);
  EXPECT_FALSE(pace_.check_is_due());
  EXPECT_TRUE(pace_.EndTurn());
  EXPECT_TRUE(pace_.check_is_due());
}

TEST_F(PaceTest, NoTwoTurnsHaveTheSameNumber) {
  std::uint64_t last = pace_.turn();
  for (int i = 0; i < 3 * kTurns; ++i) {
    if (pace_.EndTurn()) pace_.BeginCheck();
    EXPECT_GT(pace_.turn(), last);
    last = pace_.turn();
  }
}

}  // namespace
}  // namespace weft::internal
