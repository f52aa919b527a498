// Tests of connecting to several addresses: who is tried when, who wins, and
// what becomes of the others.
//
// SPDX-License-Identifier: MIT

#include "weft/net/happy_eyeballs.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/cancel_opening.h"
#include "weft/tests/net/fake_network.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;
using Begun = FakeNetwork::Begun;

const Address kA = *Address::Parse("[2001:db8::a]:80");
const Address kB = *Address::Parse("192.0.2.2:80");
const Address kC = *Address::Parse("192.0.2.3:80");
const Address kD = *Address::Parse("192.0.2.4:80");

Begun At(int milliseconds, const Address& address) {
  return {address.ToString(), milliseconds};
}

// --- Families in turns ------------------------------------------------------

const Address kSix1 = *Address::Parse("[2001:db8::1]:80");
const Address kSix2 = *Address::Parse("[2001:db8::2]:80");
const Address kSix3 = *Address::Parse("[2001:db8::3]:80");
const Address kFour1 = *Address::Parse("192.0.2.1:80");
const Address kFour2 = *Address::Parse("192.0.2.2:80");

TEST(FamiliesInTurnsTest, BeginWithThatOfTheFirstAddress) {
  EXPECT_THAT(WithFamiliesInTurns({kSix1, kSix2, kFour1, kFour2}),
              ElementsAre(kSix1, kFour1, kSix2, kFour2));
  EXPECT_THAT(WithFamiliesInTurns({kFour1, kSix1, kSix2, kFour2}),
              ElementsAre(kFour1, kSix1, kFour2, kSix2));
}

TEST(FamiliesInTurnsTest, LeaveTheRestInItsOrder) {
  EXPECT_THAT(WithFamiliesInTurns({kSix1, kSix2, kSix3, kFour1}),
              ElementsAre(kSix1, kFour1, kSix2, kSix3));
  EXPECT_THAT(WithFamiliesInTurns({kFour1, kSix1, kSix2, kSix3}),
              ElementsAre(kFour1, kSix1, kSix2, kSix3));
  EXPECT_THAT(WithFamiliesInTurns({kSix2, kSix1}), ElementsAre(kSix2, kSix1));
  EXPECT_THAT(WithFamiliesInTurns({}), IsEmpty());
}

// --- Attempts ---------------------------------------------------------------

class HappyEyeballsTest : public ::testing::Test {
 protected:
  absl::StatusOr<TcpStream> Connect(std::vector<Address> addresses,
                                    ConnectOptions options = {}) {
    return sim.Run(ConnectToAny(std::move(addresses), options));
  }

  FakeNetwork network;
  Simulator sim{{.seed = {}, .system = &network}};
};

TEST_F(HappyEyeballsTest, TriesNoOtherWhereTheFirstAnswersInTime) {
  network.AnswerAfter(absl::Milliseconds(240), kA);
  network.AnswerAfter(absl::ZeroDuration(), kB);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kA);
  EXPECT_THAT(network.begun, ElementsAre(At(0, kA)));
}

TEST_F(HappyEyeballsTest, TriesTheNextAfterAQuarterOfASecond) {
  network.AnswerAfter(absl::Milliseconds(100), kC);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB, kC, kD});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kC);
  EXPECT_THAT(network.begun, ElementsAre(At(0, kA), At(250, kB), At(500, kC)));
}

TEST_F(HappyEyeballsTest, TakesTheFirstThatAnswersAndNotTheFirstThatWasTried) {
  network.AnswerAfter(absl::Milliseconds(400), kA);
  network.AnswerAfter(absl::Milliseconds(100), kB);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kB);
}

TEST_F(HappyEyeballsTest, GoesOnWaitingForTheFirstWhileOthersAreTried) {
  network.AnswerAfter(absl::Milliseconds(400), kA);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB, kC});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kA);
  EXPECT_THAT(network.begun, ElementsAre(At(0, kA), At(250, kB)));
}

TEST_F(HappyEyeballsTest, TriesTheNextAtOnceWhereOneFails) {
  network.Refuse(kA);
  network.AnswerAfter(absl::Milliseconds(100), kB, ECONNREFUSED);
  network.AnswerAfter(absl::Milliseconds(100), kC);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB, kC, kD});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kC);
  EXPECT_THAT(network.begun, ElementsAre(At(0, kA), At(0, kB), At(100, kC)));
}

// Not only the attempt before: any that fails is made good by a new one.
TEST_F(HappyEyeballsTest, TriesTheNextAtOnceWhereAnEarlierOneFails) {
  network.AnswerAfter(absl::Milliseconds(300), kA, ECONNREFUSED);
  network.AnswerAfter(absl::Milliseconds(60), kC, ECONNREFUSED);
  network.AnswerAfter(absl::Milliseconds(10), kD);

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB, kC, kD});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kD);
  EXPECT_THAT(network.begun,
              ElementsAre(At(0, kA), At(250, kB), At(300, kC), At(360, kD)));
}

TEST_F(HappyEyeballsTest, WaitsAsLongAsItIsToldBetweenAttempts) {
  for (const auto& [asked, taken] :
       {std::pair(absl::Milliseconds(40), 40),
        std::pair(absl::Milliseconds(1), 10),
        std::pair(-absl::InfiniteDuration(), 10),
        std::pair(absl::Seconds(30), 2000),
        std::pair(absl::InfiniteDuration(), 2000)}) {
    network.begun.clear();
    network.AnswerAfter(absl::ZeroDuration(), kC);

    const absl::StatusOr<TcpStream> stream =
        Connect({kA, kB, kC}, {.attempt_delay = asked});

    EXPECT_TRUE(stream.ok()) << stream.status();
    EXPECT_THAT(network.begun,
                ElementsAre(At(0, kA), At(taken, kB), At(2 * taken, kC)));
  }
}

TEST_F(HappyEyeballsTest, TellsAllErrorsWhereAllFail) {
  network.Refuse(kA);
  network.AnswerAfter(absl::ZeroDuration(), kB, ENETUNREACH);
  network.AnswerAfter(absl::Milliseconds(700), kC, EHOSTUNREACH);

  const absl::Status status = Connect({kA, kB, kC}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(AllErrors(status), SizeIs(3));
  for (const char* const part :
       {"connect(\"[2001:db8::a]:80\"): Connection refused",
        "connect(\"192.0.2.2:80\"): Network is unreachable",
        "connect(\"192.0.2.3:80\"): No route to host"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
}

TEST_F(HappyEyeballsTest, SaysOfASingleAddressWhatConnectSays) {
  network.Refuse(kB);

  const absl::Status status = Connect({kB}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(AllErrors(status), SizeIs(1));
}

TEST_F(HappyEyeballsTest, RefusesToConnectToNothing) {
  EXPECT_EQ(Connect({}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HappyEyeballsTest, TriesOnlyTheFamilyOfTheAddressToComeFrom) {
  network.AnswerAfter(absl::ZeroDuration(), kB);

  const absl::StatusOr<TcpStream> stream =
      Connect({kA, kB}, {.source = Address::Loopback(0)});
  const absl::Status status =
      Connect({kA}, {.source = Address::Loopback(0)}).status();

  EXPECT_TRUE(stream.ok()) << stream.status();
  EXPECT_THAT(network.begun, ElementsAre(At(0, kB)));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HappyEyeballsTest, GivesUpAfterItsTimeoutForAllOfThem) {
  network.Refuse(kB);
  const Instant start = sim.now();
  const int before = OpenDescriptors();

  const absl::Status status =
      Connect({kA, kB, kC}, {.timeout = absl::Seconds(3)}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::string(status.message()),
            "connect(\"[2001:db8::a]:80\") and 2 more: no answer for 3s");
  EXPECT_THAT(network.begun, ElementsAre(At(0, kA), At(250, kB), At(250, kC)));
  EXPECT_GE(sim.now() - start, absl::Seconds(3));
  EXPECT_LT(sim.now() - start, absl::Seconds(3.1));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(HappyEyeballsTest, ClosesTheSocketsOfAllButTheWinner) {
  network.AnswerAfter(absl::Milliseconds(10), kC);
  Connect({kB}, {.timeout = absl::Milliseconds(1)}).IgnoreError();
  const int before = OpenDescriptors();

  const absl::StatusOr<TcpStream> stream = Connect({kA, kB, kC, kD});

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(OpenDescriptors(), before + 1);
}

TEST_F(HappyEyeballsTest, PrefersTheEarlierOfTwoThatAnswerInTheSameMoment) {
  network.AnswerAfter(absl::Milliseconds(350), kA);
  network.AnswerAfter(absl::Milliseconds(100), kB);
  const int before = OpenDescriptors();
  JoinHandle<absl::StatusOr<TcpStream>> connecting = sim.SpawnJoinable(
      ConnectToAny({kA, kB}, {.attempt_delay = absl::Milliseconds(250)}));
  sim.RunFor(absl::Milliseconds(300));

  // Both timers are due when the simulation next looks.
  sim.AdvanceClock(absl::Seconds(1));
  sim.RunUntilIdle();

  ASSERT_TRUE(connecting.finished());
  const absl::StatusOr<TcpStream> stream = connecting.BlockingJoin();
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kA);
  EXPECT_EQ(OpenDescriptors(), before + 1);
}

// --- Cancellation -----------------------------------------------------------

// A network in which every kind of attempt is under way at some time.
void Populate(FakeNetwork& network) {
  network.AnswerAfter(absl::Milliseconds(300), kB, ECONNREFUSED);
  network.AnswerAfter(absl::Milliseconds(200), kC);
  network.AnswerAfter(absl::Milliseconds(200), kD);
}

TEST(HappyEyeballsCancellationTest, LeavesNoSocketOpenWhereverItIsCancelled) {
  FakeNetwork network;
  Populate(network);

  const CancelledOpenings tried =
      CancelOpeningEverywhere({.seeds = 20, .system = &network}, [] {
        return ConnectToAny({kA, kB, kC, kD}, {.timeout = absl::Seconds(3)});
      });

  EXPECT_GT(tried.places, 10);
  EXPECT_GT(tried.cancelled, 10 * 20);
}

TEST(HappyEyeballsCancellationTest, SaysCancelledAlsoAfterAttemptsThatFailed) {
  FakeNetwork network;
  network.Refuse(kA);
  Simulator sim({.seed = {}, .system = &network});
  JoinHandle<absl::StatusOr<TcpStream>> connecting =
      sim.SpawnJoinable(ConnectToAny({kA, kB}));
  sim.RunUntilIdle();
  ASSERT_THAT(network.begun, SizeIs(2));

  connecting.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(connecting.finished());
  EXPECT_TRUE(absl::IsCancelled(connecting.BlockingJoin().status()));
}

}  // namespace
}  // namespace weft::net
