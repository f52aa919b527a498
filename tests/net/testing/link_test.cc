// Tests of one link: when what is sent has left, and when it is there.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/link.h"

#include <set>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::net::testing {
namespace {

using ::testing::Each;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;
using ::weft::reactor::Instant;

constexpr Instant kStart = Instant::FromNanoseconds(1'000'000);

TEST(LinkTest, TakesNoTimeWhereNothingIsSaid) {
  Chance chance(1);
  Link link({});

  const Link::Passage passage = link.Send(kStart, 1'000'000, chance);

  EXPECT_EQ(passage.departs, kStart);
  EXPECT_EQ(passage.arrives, kStart);
}

TEST(LinkTest, SendsOneAfterTheOther) {
  Chance chance(1);
  Link link({.latency = absl::Seconds(1), .bytes_per_second = 100});

  const Link::Passage first = link.Send(kStart, 50, chance);
  const Link::Passage second = link.Send(kStart, 50, chance);

  EXPECT_EQ(first.departs - kStart, absl::Milliseconds(500));
  EXPECT_EQ(first.arrives - kStart, absl::Milliseconds(1500));
  EXPECT_EQ(second.departs - kStart, absl::Seconds(1));
  EXPECT_EQ(second.arrives - kStart, absl::Seconds(2));
}

TEST(LinkTest, ForgetsHowBusyItWas) {
  Chance chance(1);
  Link link({.bytes_per_second = 100});
  link.Send(kStart, 100, chance);
  const Instant later = kStart + absl::Seconds(10);

  const Link::Passage passage = link.Send(later, 100, chance);

  EXPECT_EQ(passage.departs - later, absl::Seconds(1));
}

TEST(LinkTest, IsLaterByAJitterThatIsNeverTheSame) {
  Chance chance(1);
  Link link(
      {.latency = absl::Milliseconds(10), .jitter = absl::Milliseconds(5)});
  std::set<absl::Duration> times;

  for (int i = 0; i < 100; ++i) {
    times.insert(link.Send(kStart, 1, chance).arrives - kStart);
  }

  EXPECT_THAT(times, SizeIs(100));
  EXPECT_THAT(times, Each(Ge(absl::Milliseconds(10))));
  EXPECT_THAT(times, Each(Le(absl::Milliseconds(15))));
}

TEST(LinkTest, DrawsNothingForWhatCannotHappen) {
  Chance chance(1);
  Chance untouched(1);
  Link perfect({});

  perfect.Send(kStart, 1, chance);
  EXPECT_FALSE(perfect.Loses(chance));
  EXPECT_EQ(perfect.Detour(chance), absl::ZeroDuration());

  EXPECT_EQ(chance.UpTo(absl::Hours(1)), untouched.UpTo(absl::Hours(1)));
}

}  // namespace
}  // namespace weft::net::testing
