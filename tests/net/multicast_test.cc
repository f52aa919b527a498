// Tests of groups, on the loopback interface: nothing of them leaves this
// machine.
//
// SPDX-License-Identifier: MIT

#include "weft/net/multicast.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

// What the loopback interface is called, as systems go.
absl::StatusOr<std::uint32_t> LoopbackInterface() {
  absl::StatusOr<std::uint32_t> number = InterfaceNumber("lo");
  return number.ok() ? number : InterfaceNumber("lo0");
}

const Address kGroup(Address::Ipv4Bytes{239, 255, 12, 34}, 0);  // RFC 2365.

TEST(MulticastTest, BringsWhatIsSentToAGroupToItsMembers) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const std::uint32_t loopback = co_await OrReturn(LoopbackInterface());
    UdpSocket member = co_await OrReturn(UdpSocket::Bind("0.0.0.0:0"));
    UdpSocket sender = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const Address group = kGroup.WithPort(member.local_address().port());
    member.SetReadTimeout(absl::ZeroDuration());

    co_await OrReturn(member.multicast().Join(group, loopback));
    co_await OrReturn(sender.multicast().SetInterface(loopback));
    co_await OrReturn(sender.multicast().SetTtl(0));
    co_await OrReturn(sender.multicast().SetLoopback(true));
    const int ttl = co_await OrReturn(sender.multicast().ttl());
    const bool returns = co_await OrReturn(sender.multicast().loopback());
    EXPECT_EQ(ttl, 0);
    EXPECT_TRUE(returns);
    co_await OrReturn(sender.SendTo(Bytes("members"), group));
    const std::string text = co_await OrReturn(ReceiveText(member));
    EXPECT_EQ(text, "members");

    co_await OrReturn(member.multicast().Leave(group, loopback));
    co_await OrReturn(sender.SendTo(Bytes("members"), group));
    const absl::StatusOr<std::string> left = co_await ReceiveText(member);
    EXPECT_EQ(left.status().code(), absl::StatusCode::kDeadlineExceeded);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MulticastTest, SaysThatASocketIsInTheGroupAlready) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const std::uint32_t loopback = co_await OrReturn(LoopbackInterface());
    UdpSocket member = co_await OrReturn(UdpSocket::Bind("0.0.0.0:0"));
    co_await OrReturn(member.multicast().Join(kGroup, loopback));

    co_return member.multicast().Join(kGroup, loopback);
  });

  EXPECT_EQ(reactor::ErrnoOf(status), EADDRINUSE);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(MulticastTest, SaysWhichGroupItCouldNotJoin) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    co_return socket.multicast().Join(Address::Loopback(0));
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("setsockopt(MCAST_JOIN_GROUP, \"127.0.0.1:0\")"));
}

// Remembers what one version of IP is asked, and grants it.
class GrantingSystem : public testing::SimulatedSystem {
 public:
  explicit GrantingSystem(int level) : level_(level) {}

  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override {
    if (level != level_ || name == IPV6_V6ONLY) {
      return SimulatedSystem::setsockopt(fd, level, name, value, size);
    }
    names.push_back(name);
    if (size == sizeof(group_req)) {
      group_req request;
      std::memcpy(&request, value, sizeof(request));
      interfaces.push_back(request.gr_interface);
      families.push_back(request.gr_group.ss_family);
    }
    return 0;
  }

  std::vector<int> names;
  std::vector<std::uint32_t> interfaces;
  std::vector<int> families;

 private:
  const int level_;
};

// Not on real interfaces: few have a route for groups of IPv6, and not the
// loopback's.
TEST(MulticastTest, NamesAnInterfaceOrTheScopeOfTheGroupToIpv6) {
  GrantingSystem system(IPPROTO_IPV6);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpSocket socket = co_await OrReturn(UdpSocket::Bind("[::1]:0"));
        const Address group =
            co_await OrReturn(Address::Parse("[ff02::1%3]:0"));
        co_await OrReturn(socket.multicast().Join(group));
        co_await OrReturn(socket.multicast().Leave(group, 7));
        co_await OrReturn(socket.multicast().SetInterface(7));
        co_await OrReturn(socket.multicast().SetLoopback(false));
        co_return socket.multicast().SetTtl(2);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.names,
              ::testing::ElementsAre(MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP,
                                     IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP,
                                     IPV6_MULTICAST_HOPS));
  EXPECT_THAT(system.interfaces, ::testing::ElementsAre(3u, 7u));
  EXPECT_THAT(system.families, ::testing::ElementsAre(AF_INET6, AF_INET6));
}

// On the loopback's interface it would change nothing: what is sent there comes
// back in any case.
TEST(MulticastTest, SetsTheOptionsOfIpv4) {
  GrantingSystem system(IPPROTO_IP);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
        co_await OrReturn(socket.multicast().SetLoopback(false));
        co_return socket.multicast().SetTtl(2);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.names,
              ::testing::ElementsAre(IP_MULTICAST_LOOP, IP_MULTICAST_TTL));
}

TEST(MulticastTest, SaysThatThereIsNoInterfaceOfThatName) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    co_return InterfaceNumber("none such").status();
  });

  EXPECT_EQ(reactor::ErrnoOf(status), ENODEV);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("if_nametoindex(\"none such\")"));
}

}  // namespace
}  // namespace weft::net
