// Tests of sockets of datagrams whose peer has a name: that it is asked for as
// UDP's, and which of its addresses becomes the peer.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/resolver.h"
#include "weft/net/udp_socket.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/cancel_opening.h"
#include "weft/tests/net/fake_names.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::weft::testing::Simulator;

const Address kFour = Address::Loopback(0);
const Address kOtherFour = *Address::Parse("127.0.0.2:0");
const Address kSix = Address::LoopbackIpv6(0);

// Names of the test's, and sockets of the loopback interface; but for the hosts
// to which no route leads.
class Routes : public FakeNames {
 public:
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    Address::SystemForm form;
    std::memcpy(form.get(), address, size);
    *form.size_to_fill() = size;
    const Address peer = Address::FromSystem(form)->WithPort(0);
    if (std::ranges::find(unreachable, peer) == unreachable.end()) {
      return FakeNames::connect(fd, address, size);
    }
    errno = ENETUNREACH;
    return -1;
  }

  std::vector<Address> unreachable;
};

class UdpByNameTest : public ::testing::Test {
 protected:
  UdpByNameTest() {
    system.hosts["example.org"] = {.addresses = {kOtherFour, kFour}};
  }

  absl::StatusOr<UdpSocket> Dial(std::string_view text,
                                 const UdpDialOptions& options = {}) {
    return sim.Run(UdpSocket::Dial(text, options));
  }

  Routes system;
  Simulator sim{{.seed = {}, .system = &system}};
};

TEST_F(UdpByNameTest, TakesTheFirstAddressToWhichARouteLeads) {
  const absl::StatusOr<UdpSocket> first = Dial("example.org:53");
  system.unreachable = {kOtherFour};
  const absl::StatusOr<UdpSocket> second = Dial("example.org:53");

  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->peer_address(), kOtherFour.WithPort(53));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->peer_address(), kFour.WithPort(53));
  EXPECT_FALSE(second->local_address().is_ipv6());
}

TEST_F(UdpByNameTest, TalksToItsPeer) {
  system.hosts["here"] = {.addresses = {kFour}};
  auto program = []() -> Task<absl::Status> {
    UdpSocket server = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const std::string name =
        absl::StrCat("here:", server.local_address().port());
    UdpSocket client = co_await OrReturn(UdpSocket::Dial(name));
    co_await OrReturn(client.Send(Bytes("by name")));
    const std::string text = co_await OrReturn(ReceiveText(server));
    EXPECT_EQ(text, "by name");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

TEST_F(UdpByNameTest, AsksForAServiceOfUdp) {
  system.ports["ntp"] = 123;

  const absl::StatusOr<UdpSocket> socket = Dial("example.org:ntp");

  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(socket->peer_address(), kOtherFour.WithPort(123));
  EXPECT_EQ(system.kind_of_socket, SOCK_DGRAM);
}

TEST_F(UdpByNameTest, AsksTheResolverThatItIsGiven) {
  Resolver resolver;

  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Dial("example.org:53", {.resolver = &resolver}).ok());
  }

  EXPECT_EQ(system.lookups, 1);
}

TEST_F(UdpByNameTest, AsksNobodyAboutAnAddress) {
  const absl::StatusOr<UdpSocket> socket = Dial("127.0.0.1:53");

  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(socket->peer_address(), kFour.WithPort(53));
  EXPECT_EQ(system.lookups, 0);
}

TEST_F(UdpByNameTest, TellsEveryErrorWhereNoRouteLeadsAnywhere) {
  system.unreachable = {kOtherFour, kFour};

  const absl::Status status = Dial("example.org:53").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(AllErrors(status), SizeIs(2));
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.2:53"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:53"));
}

TEST_F(UdpByNameTest, SaysWhatIsWrongWithTheText) {
  for (const char* const text : {"", "example.org", "example.org:", ":53",
                                 "example.org:65536", "[example.org]:53"}) {
    EXPECT_EQ(Dial(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_EQ(Dial("nobody:53").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(UdpByNameTest, ComesFromWhereItIsTold) {
  system.hosts["example.org"] = {.addresses = {kSix, kFour}};

  const absl::StatusOr<UdpSocket> socket =
      Dial("example.org:53", {.source = kFour});

  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(socket->local_address().WithPort(0), kFour);
  EXPECT_EQ(socket->peer_address(), kFour.WithPort(53));
}

TEST_F(UdpByNameTest, HasNoPeerOfTheOtherFamily) {
  system.hosts["six"] = {.addresses = {kSix}};

  const absl::Status status = Dial("six:53", {.source = kFour}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("connect(\"six:53\")"));
}

// --- A socket that is there already -----------------------------------------

TEST_F(UdpByNameTest, ASocketThatIsBoundKeepsItsPort) {
  system.hosts["example.org"] = {.addresses = {kSix, kOtherFour, kFour}};
  system.unreachable = {kOtherFour};
  auto program = []() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const Address bound = socket.local_address();
    Resolver resolver;
    co_await OrReturn(socket.ConnectByName("example.org:53", &resolver));
    EXPECT_EQ(socket.local_address(), bound);
    EXPECT_EQ(socket.peer_address(), kFour.WithPort(53));
    EXPECT_EQ(resolver.counters().misses, 1u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

TEST_F(UdpByNameTest, ASocketThatIsClosedSaysSo) {
  auto program = []() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    socket.Close();
    co_return co_await socket.ConnectByName("example.org:53");
  };

  EXPECT_EQ(sim.Run(program()).code(), absl::StatusCode::kFailedPrecondition);
}

// --- Cancellation -----------------------------------------------------------

Task<absl::StatusOr<UdpSocket>> DialAndConnectAnew(Resolver* resolver) {
  UdpDialOptions options;
  options.resolver = resolver;
  UdpSocket socket =
      co_await OrReturn(UdpSocket::Dial("example.org:53", options));
  absl::Status connected = co_await socket.ConnectByName("six:53", resolver);
  // Whether it was cancelled or has found none of its family.
  EXPECT_EQ(socket.peer_address(), kOtherFour.WithPort(53));
  if (absl::IsCancelled(connected)) co_return connected;
  connected = co_await socket.ConnectByName("other:53", resolver);
  const bool changed = socket.peer_address() == kFour.WithPort(53);
  EXPECT_EQ(changed, connected.ok());
  if (!connected.ok()) co_return connected;
  co_return socket;
}

TEST(UdpByNameCancellationTest, LeavesNothingOpenWhereverItIsCancelled) {
  Routes system;
  system.hosts["example.org"] = {.addresses = {kOtherFour}};
  system.hosts["other"] = {.addresses = {kFour}};
  system.hosts["six"] = {.addresses = {kSix}};
  std::optional<Resolver> resolver;

  for (const bool remembers : {false, true}) {
    const CancelledOpenings tried =
        CancelOpeningEverywhere({.seeds = 10, .system = &system}, [&] {
          return DialAndConnectAnew(remembers ? &resolver.emplace() : nullptr);
        });
    EXPECT_GT(tried.places, 3);
  }
  EXPECT_EQ(system.lists, 0);
}

// With the real system, where "localhost" is one address or two.
TEST(UdpToLocalhostTest, DialsIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Dial("localhost:53"));
    const Address peer = *socket.peer_address();
    EXPECT_TRUE(peer == kFour.WithPort(53) || peer == kSix.WithPort(53))
        << peer.ToString();
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
