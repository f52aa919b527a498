// Tests of listening at what has a name, and of binding sockets of datagrams to
// it: which of its addresses is taken.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/resolver.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/cancel_opening.h"
#include "weft/tests/net/fake_names.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::weft::testing::Simulator;

const Address kElsewhere = *Address::Parse("192.0.2.1:0");
const Address kFarther = *Address::Parse("192.0.2.2:0");
const Address kHere = Address::Loopback(0);
const Address kAlsoHere = Address::LoopbackIpv6(0);

// Names of the test's, and two addresses that are none of this machine's,
// whichever machine it is.
class TwoAreElsewhere : public FakeNames {
 public:
  int bind(int fd, const sockaddr* address, socklen_t size) override {
    Address::SystemForm form;
    std::memcpy(form.get(), address, size);
    *form.size_to_fill() = size;
    const Address own = Address::FromSystem(form)->WithPort(0);
    if (own != kElsewhere && own != kFarther) {
      return FakeNames::bind(fd, address, size);
    }
    errno = EADDRNOTAVAIL;
    return -1;
  }
};

class ListenByNameTest : public ::testing::Test {
 protected:
  ListenByNameTest() {
    system.hosts["example.org"] = {.addresses = {kHere, kElsewhere}};
    system.hosts["moved"] = {.addresses = {kElsewhere, kHere}};
    system.hosts["elsewhere"] = {.addresses = {kElsewhere, kFarther}};
  }

  absl::StatusOr<TcpListener> Listen(std::string_view text,
                                     Resolver* resolver = nullptr) {
    return sim.Run(TcpListener::BindByName(text, {}, resolver));
  }
  absl::StatusOr<UdpSocket> Bind(std::string_view text,
                                 Resolver* resolver = nullptr) {
    return sim.Run(UdpSocket::BindByName(text, {}, resolver));
  }

  TwoAreElsewhere system;
  Simulator sim{{.seed = {}, .system = &system}};
};

TEST_F(ListenByNameTest, TakesTheFirstAddressOfThisMachine) {
  for (const char* const text : {"example.org:0", "moved:0"}) {
    const absl::StatusOr<TcpListener> listener = Listen(text);
    const absl::StatusOr<UdpSocket> socket = Bind(text);

    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_EQ(listener->local_address().WithPort(0), kHere);
    EXPECT_NE(listener->local_address().port(), 0);
    ASSERT_TRUE(socket.ok()) << socket.status();
    EXPECT_EQ(socket->local_address().WithPort(0), kHere);
  }
}

TEST_F(ListenByNameTest, TakesTheSecondWhereThePortOfTheFirstIsInUse) {
  system.hosts["both"] = {.addresses = {kHere, kAlsoHere}};

  const absl::StatusOr<TcpListener> first = Listen("both:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::StatusOr<TcpListener> second =
      Listen(absl::StrCat("both:", first->local_address().port()));

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->local_address(),
            kAlsoHere.WithPort(first->local_address().port()));
}

TEST_F(ListenByNameTest, TellsEveryErrorWhereNoneCanBeListenedOn) {
  for (const absl::Status& status :
       {Listen("elsewhere:0").status(), Bind("elsewhere:0").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(AllErrors(status), SizeIs(2));
    EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.2"));
  }
}

TEST_F(ListenByNameTest, AsksForServicesOfItsOwnKind) {
  system.ports["some"] = 0;

  EXPECT_TRUE(Listen("example.org:some").ok());
  EXPECT_EQ(system.kind_of_socket, SOCK_STREAM);
  EXPECT_TRUE(Bind("example.org:some").ok());
  EXPECT_EQ(system.kind_of_socket, SOCK_DGRAM);
}

TEST_F(ListenByNameTest, AsksTheResolverThatItIsGiven) {
  Resolver resolver;

  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Listen("example.org:0", &resolver).ok());
    EXPECT_TRUE(Bind("example.org:0", &resolver).ok());
  }

  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ListenByNameTest, AsksNobodyAboutAnAddress) {
  EXPECT_TRUE(Listen("127.0.0.1:0").ok());
  EXPECT_TRUE(Bind("127.0.0.1:0").ok());

  EXPECT_EQ(system.lookups, 0);
}

TEST_F(ListenByNameTest, SaysWhatIsWrongWithTheText) {
  for (const char* const text : {"", "example.org", ":0", "example.org:"}) {
    EXPECT_EQ(Listen(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_EQ(Listen("nobody:0").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Bind("nobody:0").status().code(), absl::StatusCode::kNotFound);
}

TEST(ListenByNameCancellationTest, LeavesNothingOpenWhereverItIsCancelled) {
  TwoAreElsewhere system;
  system.hosts["moved"] = {.addresses = {kElsewhere, kHere}};
  std::optional<Resolver> resolver;

  for (const bool remembers : {false, true}) {
    const CancelledOpenings tried =
        CancelOpeningEverywhere({.seeds = 10, .system = &system}, [&] {
          return TcpListener::BindByName(
              "moved:0", {}, remembers ? &resolver.emplace() : nullptr);
        });
    EXPECT_GT(tried.places, remembers ? 2 : 1);
  }
  EXPECT_EQ(system.lists, 0);
}

// With the real system: whichever address of "localhost" it is, a client that
// knows the same name finds it.
TEST(ListenAtLocalhostTest, IsFoundByName) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener =
        co_await OrReturn(TcpListener::BindByName("localhost:0"));
    const std::string name =
        absl::StrCat("localhost:", listener.local_address().port());
    TcpStream client = co_await OrReturn(TcpStream::Connect(name));
    TcpStream server = co_await OrReturn(listener.Accept());
    co_await OrReturn(client.WriteAll(Bytes("by name")));
    const std::string text = co_await OrReturn(ReadText(server));
    EXPECT_EQ(text, "by name");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
