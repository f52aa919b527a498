// Tests of weft::reactor::Instant: a clock's arithmetic that cannot overflow.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/instant.h"

#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weft::reactor {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

Instant At(std::int64_t nanoseconds) {
  return Instant::FromNanoseconds(nanoseconds);
}

TEST(InstantTest, BeginsAtTheClocksOrigin) {
  EXPECT_EQ(Instant().nanoseconds(), 0);
  EXPECT_EQ(Instant(), At(0));
}

TEST(InstantTest, OrdersByTime) {
  EXPECT_LT(At(-1), At(0));
  EXPECT_LT(At(1), At(2));
  EXPECT_LT(At(kMax - 1), Instant::InfiniteFuture());
}

TEST(InstantTest, AddsAndSubtractsDurations) {
  EXPECT_EQ(At(5) + absl::Nanoseconds(7), At(12));
  EXPECT_EQ(At(5) - absl::Nanoseconds(7), At(-2));
  EXPECT_EQ(At(12) - At(5), absl::Nanoseconds(7));
  EXPECT_EQ(At(5) - At(12), -absl::Nanoseconds(7));
}

TEST(InstantTest, SaturatesInsteadOfWrapping) {
  EXPECT_EQ(At(1) + absl::InfiniteDuration(), Instant::InfiniteFuture());
  EXPECT_EQ(At(kMax - 1) + absl::Nanoseconds(2), Instant::InfiniteFuture());
  EXPECT_EQ(At(1) + absl::Hours(24 * 365 * 1000), Instant::InfiniteFuture());
  EXPECT_EQ(At(-2) - absl::InfiniteDuration(), At(kMin));
  EXPECT_EQ(At(kMin + 1) - absl::Nanoseconds(2), At(kMin));
}

TEST(InstantTest, InfiniteFutureAbsorbsWhatIsAdded) {
  EXPECT_EQ(Instant::InfiniteFuture() + absl::Seconds(1),
            Instant::InfiniteFuture());
  EXPECT_EQ(Instant::InfiniteFuture() - absl::Seconds(1),
            Instant::InfiniteFuture());
  EXPECT_EQ(Instant::InfiniteFuture() - absl::InfiniteDuration(),
            Instant::InfiniteFuture());
}

TEST(InstantTest, DistancesToInfiniteFutureAreInfinite) {
  EXPECT_EQ(Instant::InfiniteFuture() - At(3), absl::InfiniteDuration());
  EXPECT_EQ(At(3) - Instant::InfiniteFuture(), -absl::InfiniteDuration());
  EXPECT_EQ(Instant::InfiniteFuture() - Instant::InfiniteFuture(),
            absl::ZeroDuration());
}

TEST(InstantTest, DistancesWiderThanTheRangeAreExact) {
  const absl::Duration distance = At(kMax - 1) - At(kMin);

  EXPECT_EQ(distance, absl::Nanoseconds(kMax - 1) - absl::Nanoseconds(kMin));
  EXPECT_LT(distance, absl::InfiniteDuration());
}

}  // namespace
}  // namespace weft::reactor
