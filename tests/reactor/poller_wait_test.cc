// How a poller waits: in batches, never too short, and through interruptions
// and failures. poller_test.cc has the rest of the contract.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/tests/reactor/bare_sockets.h"
#include "weft/tests/reactor/poller_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

TEST_F(PollerTest, ABatchOfOneDeliversEverythingInTurn) {
  const Pair first = UnixPair();
  const Pair second = UnixPair();
  AddConnected(first.ours, kToken);
  AddConnected(second.ours, kOther);
  Send(first.theirs, "x");
  Send(second.theirs, "x");

  const std::vector<Event> one = Poll(absl::Minutes(1), /*room=*/1);
  const std::vector<Event> two = Poll(absl::Minutes(1), /*room=*/1);

  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_NE(one[0].token, two[0].token);
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, DeliversMoreThanOneBatchOfTheKernel) {
  constexpr std::size_t kPairs = 300;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(UnixPair());
    ASSERT_TRUE(poller_.Add(pairs.back().ours.get(), Token{i}).ok());
  }

  std::map<Token, int> events;
  while (events.size() < kPairs) {
    for (const Event& event : Poll(absl::Minutes(1), /*room=*/1000)) {
      ++events[event.token];
    }
  }

  for (const auto& [token, count] : events) EXPECT_EQ(count, 1);
}

// A connection that was reset while nobody cares about it must not keep the
// poller from sleeping: its event comes once.
TEST_F(PollerTest, AnUnattendedResetDoesNotSpin) {
  Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Reset(std::move(pair.theirs));
  Await(kToken, {.token = kToken, .readable = true, .writable = true});

  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Poll(absl::Milliseconds(20)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(20));
}

TEST_F(PollerTest, AnInterruptedWaitIsAnEmptyResult) {
  const Pair pair = UnixPair();
  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());

  system_.FailWait(EINTR);
  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  AwaitWritable(kToken);
}

TEST_F(PollerTest, AFailedWaitSaysSoAndLosesNothing) {
  const Pair pair = UnixPair();
  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  std::array<Event, 4> buffer;

  system_.FailWait(ENOMEM);
  EXPECT_EQ(poller_.Wait(buffer, absl::InfiniteDuration()).status().code(),
            absl::StatusCode::kResourceExhausted);

  AwaitWritable(kToken);
}

TEST_F(PollerTest, NeverEndsAWaitEarly) {
  for (const absl::Duration wait :
       {absl::Nanoseconds(0.25), absl::Nanoseconds(1), absl::Microseconds(1),
        absl::Microseconds(300), absl::Microseconds(999.5),
        absl::Milliseconds(1), absl::Microseconds(1001),
        absl::Milliseconds(7)}) {
    const absl::Duration start = MonotonicNow();
    EXPECT_THAT(Poll(wait), IsEmpty());
    EXPECT_GE(MonotonicNow() - start, wait) << wait;
  }
}

TEST_F(PollerTest, AWaitThatIsOverAlreadyDoesNotBlock) {
  EXPECT_THAT(Poll(absl::Seconds(-1)), IsEmpty());
  EXPECT_THAT(Poll(-absl::InfiniteDuration()), IsEmpty());
}

TEST_F(PollerTest, WaitsLongerThanAnyClockEndWithTheEvent) {
  const Pair pair = UnixPair();
  for (const absl::Duration wait :
       {absl::Hours(24 * 40), absl::Hours(24 * 365 * 1000),
        absl::Seconds(std::int64_t{1} << 62)}) {
    ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
    EXPECT_THAT(Poll(wait), ElementsAre(Field(&Event::token, kToken)));
    ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
  }
}

}  // namespace
}  // namespace weft::reactor
