// Tests that sessions of datagrams bear every single fault of the system, over
// UDP and over Unix sockets.
//
// SPDX-License-Identifier: MIT

#include <net/if.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/net/multicast.h"
#include "weft/net/resolver.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_datagram.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/net/wire.h"
#include "weft/tests/support/single_faults.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::tests::FaultsBorne;
using ::weft::tests::Session;

constexpr std::array<std::string_view, 5> kTexts = {"one", "two", "three",
                                                    "four", "five"};

// What came, a datagram each.
using Came = std::vector<std::string>;

// Each comes whole and once, in the order they were sent: the loopback
// interface keeps that. All of them, where all has ended well.
absl::Status CheckCame(const Came& came, const absl::Status& ended) {
  for (std::size_t i = 0; i < came.size(); ++i) {
    if (i < kTexts.size() && came[i] == kTexts[i]) continue;
    return absl::InternalError(
        absl::StrCat("datagram ", i, " is \"", came[i], "\""));
  }
  if (!ended.ok() || came.size() == kTexts.size()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("there came ", came.size()));
}

template <typename Start>
Session OnCame(Came& came, Start start) {
  return {.start =
              [&came, start] {
                came.clear();
                return start();
              },
          .check =
              [&came](const absl::Status& ended) {
                return CheckCame(came, ended);
              }};
}

// --- UDP --------------------------------------------------------------------

// Two one by one, and the rest as batches.
Task<absl::Status> SendAll(UdpSocket& socket, Address to) {
  co_await OrReturn(socket.SendTo(Bytes(kTexts[0]), to));
  co_await OrReturn(socket.Connect(to));
  co_await OrReturn(socket.Send(Bytes(kTexts[1])));
  std::vector<OutgoingDatagram> batch;
  for (std::size_t i = 2; i < kTexts.size(); ++i) {
    batch.push_back({.bytes = Bytes(kTexts[i])});
  }
  std::span<const OutgoingDatagram> left(batch);
  while (!left.empty()) {
    const std::size_t sent = co_await OrReturn(socket.SendBatch(left));
    left = left.subspan(sent);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveAll(UdpSocket& socket, Came& came) {
  std::array<std::array<std::byte, 16>, 8> buffers;
  const Received peeked = co_await OrReturn(socket.Peek(buffers[0]));
  EXPECT_EQ(peeked.size, kTexts[0].size());
  const Datagram first = co_await OrReturn(socket.ReceiveFrom(buffers[0]));
  came.push_back(Text(std::span(buffers[0]).first(first.size)));
  std::vector<IncomingDatagram> batch(buffers.size());
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].into = buffers[i];
  while (came.size() < kTexts.size()) {
    const std::size_t count = co_await OrReturn(socket.ReceiveBatch(batch));
    for (std::size_t i = 0; i < count; ++i) {
      came.push_back(Text(batch[i].bytes()));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TalkOverUdp(Came& came) {
  UdpSocket server = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  UdpSocket client = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  const Address to = server.local_address();
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(ReceiveAll(server, came));
    co_return co_await SendAll(client, to);
  });
}

TEST(SingleFaultsDatagramTest, UdpBearsEveryOne) {
  Came came;

  const int borne =
      FaultsBorne(OnCame(came, [&] { return TalkOverUdp(came); }));

  EXPECT_GE(borne, 90);
}

// --- By name ----------------------------------------------------------------

Task<absl::Status> TalkByName(Came& came) {
  UdpSocket server = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  const std::string name =
      absl::StrCat("localhost:", server.local_address().port());
  Resolver resolver;
  UdpDialOptions options;
  options.source = Address::Loopback(0);
  options.resolver = &resolver;
  UdpSocket client = co_await OrReturn(UdpSocket::Dial(name, options));
  co_await OrReturn(client.Disconnect());
  co_await OrReturn(client.ConnectByName(name, &resolver));
  for (const std::string_view text : kTexts) {
    co_await OrReturn(client.Send(Bytes(text)));
    std::array<std::byte, 16> buffer;
    const Received got = co_await OrReturn(server.Receive(buffer));
    came.push_back(Text(std::span(buffer).first(got.size)));
  }
  co_return absl::OkStatus();
}

TEST(SingleFaultsDatagramTest, APeerByNameBearsEveryOne) {
  Came came;

  const int borne = FaultsBorne(OnCame(came, [&] { return TalkByName(came); }));

  EXPECT_GE(borne, 150);
}

// --- Segments ---------------------------------------------------------------

Task<absl::Status> AskForSegments(bool& has) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  has = co_await OrReturn(socket.SendsSegments());
  co_return absl::OkStatus();
}

// One call for several datagrams, which are received one by one.
Task<absl::Status> TalkInSegments(Wire& wire) {
  constexpr std::size_t kSegment = 100;
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  wire.given = Text(Pattern(3 * kSegment + 50));
  co_await OrReturn(pair.client.SendSegments(Bytes(wire.given), kSegment));
  std::array<std::byte, 2 * kSegment> buffer;
  while (wire.came.size() < wire.given.size()) {
    const Received got = co_await OrReturn(pair.server.Receive(buffer));
    EXPECT_LE(got.size, kSegment);
    wire.came += Text(std::span(buffer).first(got.size));
  }
  co_return absl::OkStatus();
}

TEST(SingleFaultsDatagramTest, SegmentsBearEveryOne) {
  bool has = false;
  ASSERT_EQ(Simulate({}, AskForSegments, has), absl::OkStatus());
  if (!has) GTEST_SKIP() << "this system has no segments";
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return TalkInSegments(wires.up); }));

  EXPECT_GE(borne, 50);
}

// --- Groups -----------------------------------------------------------------

// As systems go: Linux's, or the others'.
const char* LoopbackName() {
  return ::if_nametoindex("lo") != 0 ? "lo" : "lo0";
}

Task<absl::Status> TalkToGroup(Came& came) {
  const Address everybody(Address::Ipv4Bytes{239, 255, 12, 35}, 0);
  const std::uint32_t loopback =
      co_await OrReturn(InterfaceNumber(LoopbackName()));
  UdpSocket member = co_await OrReturn(UdpSocket::Bind("0.0.0.0:0"));
  UdpSocket sender = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  const Address group = everybody.WithPort(member.local_address().port());
  co_await OrReturn(member.multicast().Join(group, loopback));
  co_await OrReturn(sender.multicast().SetInterface(loopback));
  co_await OrReturn(sender.multicast().SetTtl(0));
  co_await OrReturn(sender.multicast().SetLoopback(true));
  for (const std::string_view text : kTexts) {
    co_await OrReturn(sender.SendTo(Bytes(text), group));
    std::array<std::byte, 16> buffer;
    const Datagram got = co_await OrReturn(member.ReceiveFrom(buffer));
    came.push_back(Text(std::span(buffer).first(got.size)));
  }
  co_return member.multicast().Leave(group, loopback);
}

TEST(SingleFaultsDatagramTest, AGroupBearsEveryOne) {
  Came came;

  const int borne =
      FaultsBorne(OnCame(came, [&] { return TalkToGroup(came); }));

  EXPECT_GE(borne, 120);
}

// --- Unix sockets -----------------------------------------------------------

Task<absl::Status> SendAllUnix(UnixDatagram& socket, std::string path) {
  const UnixAddress to = co_await OrReturn(UnixAddress::Parse(path));
  co_await OrReturn(socket.SendTo(Bytes(kTexts[0]), to));
  co_await OrReturn(socket.Connect(to));
  for (std::size_t i = 1; i < kTexts.size(); ++i) {
    co_await OrReturn(socket.Send(Bytes(kTexts[i])));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveAllUnix(UnixDatagram& socket, Came& came) {
  std::array<std::byte, 16> buffer;
  while (came.size() < kTexts.size()) {
    const Received got = co_await OrReturn(socket.Receive(buffer));
    came.push_back(Text(std::span(buffer).first(got.size)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TalkOverUnix(std::string path, Came& came) {
  // A run whose lstat has failed does not know the file for its own.
  ::unlink(path.c_str());
  UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path));
  UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(ReceiveAllUnix(server, came));
    co_return co_await SendAllUnix(client, path);
  });
}

TEST(SingleFaultsDatagramTest, UnixSocketsBearEveryOne) {
  const weft::testing::TemporaryDirectory folder;
  Came came;

  const int borne = FaultsBorne(
      OnCame(came, [&] { return TalkOverUnix(folder / "socket", came); }));

  EXPECT_GE(borne, 120);
}

// --- Descriptors ------------------------------------------------------------

Task<absl::Status> PassAll(UnixDatagram& socket, std::string path) {
  const UnixAddress to = co_await OrReturn(UnixAddress::Parse(path));
  const reactor::Fd own(::dup(STDERR_FILENO));
  const std::array<int, 1> given = {own.get()};
  co_await OrReturn(socket.SendDescriptorsTo(Bytes(kTexts[0]), given, to));
  co_await OrReturn(socket.Connect(to));
  for (std::size_t i = 1; i < kTexts.size(); ++i) {
    co_await OrReturn(socket.SendDescriptors(Bytes(kTexts[i]), given));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> TakeAll(UnixDatagram& socket, Came& came) {
  std::array<std::byte, 16> buffer;
  while (came.size() < kTexts.size()) {
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(socket.ReceiveDescriptors(buffer));
    came.push_back(Text(std::span(buffer).first(got.size)));
    EXPECT_EQ(got.descriptors.size(), 1u);
    EXPECT_TRUE(got.sender.has_value());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PassOverUnix(std::string path, Came& came) {
  // A run whose lstat has failed does not know the file for its own.
  ::unlink(path.c_str());
  const UnixDatagramOptions options = {.pass_credentials = true};
  UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path, options));
  UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(TakeAll(server, came));
    co_return co_await PassAll(client, path);
  });
}

TEST(SingleFaultsDatagramTest, DescriptorsThatArePassedBearEveryOne) {
  const weft::testing::TemporaryDirectory folder;
  Came came;

  const int borne = FaultsBorne(
      OnCame(came, [&] { return PassOverUnix(folder / "socket", came); }));

  EXPECT_GE(borne, 130);
}

}  // namespace
}  // namespace weft::net
