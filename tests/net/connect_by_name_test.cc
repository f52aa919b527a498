// Tests of connecting to names: that they are split, looked up and tried.
//
// SPDX-License-Identifier: MIT

#include "weft/net/connect_by_name.h"

#include <netdb.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/resolver.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/cancel_opening.h"
#include "weft/tests/net/fake_network.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;

const Address kSix = *Address::Parse("[2001:db8::1]:80");
const Address kFour = *Address::Parse("192.0.2.1:80");

class ConnectByNameTest : public ::testing::Test {
 protected:
  ConnectByNameTest() {
    network.hosts["example.org"] = {.addresses = {kSix, kFour}};
    network.AnswerAfter(absl::ZeroDuration(), kFour);
  }

  absl::StatusOr<TcpStream> Connect(std::string_view text,
                                    ConnectOptions options = {}) {
    return sim.Run(TcpStream::Connect(text, options));
  }

  FakeNetwork network;
  Simulator sim{{.seed = {}, .system = &network}};
};

TEST_F(ConnectByNameTest, ConnectsToTheFirstAddressThatAnswers) {
  const absl::StatusOr<TcpStream> stream = Connect("example.org:80");

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kFour);
  EXPECT_THAT(network.begun,
              ElementsAre(FakeNetwork::Begun{kSix.ToString(), 0},
                          FakeNetwork::Begun{kFour.ToString(), 250}));
}

TEST_F(ConnectByNameTest, FindsThePortOfAService) {
  const absl::StatusOr<TcpStream> stream = Connect("example.org:http");

  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ(stream->peer_address(), kFour);
}

TEST_F(ConnectByNameTest, AsksNobodyAboutAnAddress) {
  network.AnswerAfter(absl::ZeroDuration(), kSix);
  network.AnswerAfter(absl::ZeroDuration(), *Address::Parse("[fe80::1%7]:80"));

  for (const char* const text :
       {"192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%eth0]:80"}) {
    EXPECT_TRUE(Connect(text).ok()) << text;
  }

  EXPECT_EQ(network.lookups, 0);
}

TEST_F(ConnectByNameTest, AsksTheResolverThatItIsGiven) {
  Resolver resolver;

  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Connect("example.org:80", {.resolver = &resolver}).ok());
  }

  EXPECT_EQ(network.lookups, 1);
  EXPECT_EQ(resolver.counters().hits, 2u);
}

TEST_F(ConnectByNameTest, AsksTheSystemEveryTimeWithoutAResolver) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Connect("example.org:80").ok());

  EXPECT_EQ(network.lookups, 3);
}

TEST_F(ConnectByNameTest, SaysThatThereIsNoSuchHost) {
  const absl::Status status = Connect("nobody:80").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("resolve(\"nobody\")"));
  EXPECT_THAT(network.begun, IsEmpty());
}

TEST_F(ConnectByNameTest, SaysWhatIsWrongWithTheText) {
  for (const char* const text :
       {"", "example.org", "example.org:", ":80", "example.org:65536", "::1:80",
        "[::1]", "[example.org]:80", "[::g]:80"}) {
    const absl::Status status = Connect(text).status();

    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(network.lookups, 0);
}

TEST_F(ConnectByNameTest, CountsTheLookupAsPartOfItsTimeout) {
  network.during_lookup = [this] { sim.AdvanceClock(absl::Seconds(2)); };
  const Instant start = sim.now();
  network.hosts["silent"] = {.addresses = {kSix}};

  const absl::Status status =
      Connect("silent:80", {.timeout = absl::Seconds(3)}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::string(status.message()),
            "connect(\"silent:80\"): no answer for 3s");
  EXPECT_GE(sim.now() - start, absl::Seconds(3));
  EXPECT_LT(sim.now() - start, absl::Seconds(3.1));
}

TEST_F(ConnectByNameTest, TriesNoAddressOnceItsTimeIsOver) {
  network.during_lookup = [this] { sim.AdvanceClock(absl::Seconds(5)); };

  const absl::Status status =
      Connect("example.org:80", {.timeout = absl::Seconds(3)}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(ConnectByNameCancellationTest, LeavesNothingOpenWhereverItIsCancelled) {
  FakeNetwork network;
  network.hosts["example.org"] = {.addresses = {kSix, kFour}};
  network.AnswerAfter(absl::Milliseconds(100), kFour);
  std::optional<Resolver> resolver;

  for (const bool remembers : {false, true}) {
    const CancelledOpenings tried =
        CancelOpeningEverywhere({.seeds = 10, .system = &network}, [&] {
          const ConnectOptions options = {
              .timeout = absl::Seconds(3),
              .resolver = remembers ? &resolver.emplace() : nullptr};
          return TcpStream::Connect("example.org:80", options);
        });
    EXPECT_GT(tried.places, 5);
  }
  EXPECT_EQ(network.lists, 0);
}

// With the real system: "localhost" is one or two addresses, of which only
// 127.0.0.1 listens.
TEST(ConnectToLocalhostTest, FindsTheListener) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    const std::string name =
        absl::StrCat("localhost:", listener.local_address().port());
    TcpStream client = co_await OrReturn(TcpStream::Connect(name));
    TcpStream server = co_await OrReturn(listener.Accept());
    co_await OrReturn(client.WriteAll(Bytes("by name")));
    const std::string text = co_await OrReturn(ReadText(server));

    EXPECT_EQ(text, "by name");
    EXPECT_EQ(client.peer_address(), listener.local_address());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
