// Tests of UDP sockets, on the loopback interface.
//
// SPDX-License-Identifier: MIT

#include "weft/net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

class UdpSocketFamilyTest : public ::testing::TestWithParam<Address> {};

Task<absl::Status> AskAndAnswer(Address address) {
  UdpSocket client = co_await OrReturn(UdpSocket::Bind(address));
  UdpSocket server = co_await OrReturn(UdpSocket::Bind(address));
  std::array<std::byte, 64> buffer;

  co_await OrReturn(client.SendTo(Bytes("ask"), server.local_address()));
  const Datagram question = co_await OrReturn(server.ReceiveFrom(buffer));
  EXPECT_EQ(Text(std::span(buffer).first(question.size)), "ask");
  EXPECT_EQ(question.from, client.local_address());
  EXPECT_FALSE(question.truncated);
  EXPECT_EQ(question.segment_size, 0u);
  co_await OrReturn(server.SendTo(Bytes("answer"), question.from));
  const Datagram answer = co_await OrReturn(client.ReceiveFrom(buffer));
  EXPECT_EQ(Text(std::span(buffer).first(answer.size)), "answer");
  EXPECT_EQ(answer.from, server.local_address());
  co_return absl::OkStatus();
}

TEST_P(UdpSocketFamilyTest, SendsAnywhereAndSaysFromWhereItReceives) {
  EXPECT_EQ(Simulate({}, AskAndAnswer, GetParam()), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(All, UdpSocketFamilyTest,
                         ::testing::Values(Address::Loopback(0),
                                           Address::LoopbackIpv6(0)),
                         [](const auto& address) {
                           return address.param.is_ipv4() ? "Ipv4" : "Ipv6";
                         });

TEST(UdpSocketTest, SaysWhatIsWrongWithTheAddress) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const absl::Status connected = socket.Connect("127.0.0.1:domain");
    EXPECT_EQ(connected.code(), absl::StatusCode::kInvalidArgument);
    co_return UdpSocket::Bind("127.0.0.1:domain").status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:domain"));
}

TEST(UdpSocketTest, SaysThatThePortIsInUse) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const UdpSocket first = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));

    co_return UdpSocket::Bind(first.local_address()).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bind(\"127.0.0.1:"));
}

TEST(UdpSocketTest, SharesThePortWhereAllAskForIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const UdpOptions shared = {.reuse_address = true, .reuse_port = true};
    const UdpSocket first =
        co_await OrReturn(UdpSocket::Bind("127.0.0.1:0", shared));

    co_return UdpSocket::Bind(first.local_address(), shared).status();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Datagrams --------------------------------------------------------------

TEST(UdpSocketTest, ReceivesADatagramOfNoBytesAsOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    std::array<std::byte, 64> buffer;
    co_await OrReturn(pair.client.Send({}));
    co_await OrReturn(pair.client.Send(Bytes("next")));

    const Datagram none = co_await OrReturn(pair.server.ReceiveFrom(buffer));
    EXPECT_EQ(none.size, 0u);
    EXPECT_FALSE(none.truncated);
    EXPECT_EQ(none.from, pair.client.local_address());
    const std::string next = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(next, "next");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, TellsOfADatagramThatIsLongerThanTheBuffer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    std::array<std::byte, 5> buffer;
    co_await OrReturn(pair.client.Send(Bytes("exact")));
    co_await OrReturn(pair.client.Send(Bytes("too long")));
    co_await OrReturn(pair.client.Send(Bytes("short")));

    const Received exact = co_await OrReturn(pair.server.Receive(buffer));
    EXPECT_EQ(exact.size, 5u);
    EXPECT_FALSE(exact.truncated);
    const Received cut = co_await OrReturn(pair.server.Receive(buffer));
    EXPECT_EQ(Text(std::span(buffer).first(cut.size)), "too l");
    EXPECT_TRUE(cut.truncated);
    const Received nothing = co_await OrReturn(pair.server.Receive({}));
    EXPECT_EQ(nothing.size, 0u);
    EXPECT_TRUE(nothing.truncated);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, PeeksAndTakesNothing) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    std::array<std::byte, 64> buffer;
    co_await OrReturn(pair.client.Send(Bytes("here")));

    const Received seen =
        co_await OrReturn(pair.server.Peek(std::span(buffer).first(2)));
    EXPECT_EQ(seen.size, 2u);
    EXPECT_TRUE(seen.truncated);
    const Datagram whose = co_await OrReturn(pair.server.PeekFrom({}));
    EXPECT_EQ(whose.from, pair.client.local_address());
    const std::string taken = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(taken, "here");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, WaitsForADatagramAgainAfterItHasPeeked) {
  testing::Simulator sim;
  absl::StatusOr<UdpSocket> socket = absl::UnknownError("not bound yet");
  ASSERT_EQ(sim.Run([](absl::StatusOr<UdpSocket>& out) -> Task<absl::Status> {
    out = UdpSocket::Bind("127.0.0.1:0");
    co_return out.status();
  }(socket)),
            absl::OkStatus());
  std::vector<std::string> texts;
  JoinHandle<absl::Status> receiver = sim.SpawnJoinable(
      [](UdpSocket& s, std::vector<std::string>& out) -> Task<absl::Status> {
        while (out.size() < 3) {
          co_await OrReturn(s.Peek({}));
          out.push_back(co_await OrReturn(ReceiveText(s)));
        }
        co_return absl::OkStatus();
      }(*socket, texts));
  PlainSender sender(socket->local_address());

  sim.RunUntilIdle();
  EXPECT_EQ(texts.size(), 0u);
  ASSERT_TRUE(sender.Send("one"));
  sim.RunUntilIdle();
  ASSERT_TRUE(sender.Send("two"));
  ASSERT_TRUE(sender.Send("three"));
  sim.RunUntilIdle();

  ASSERT_TRUE(receiver.finished());
  EXPECT_THAT(texts, ::testing::ElementsAre("one", "two", "three"));
}

// --- A peer -----------------------------------------------------------------

TEST(UdpSocketTest, ReceivesFromItsPeerOnly) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    PlainSender stranger(pair.client.local_address());
    EXPECT_EQ(pair.client.peer_address(), pair.server.local_address());
    EXPECT_EQ(pair.server.peer_address(), std::nullopt);

    stranger.Send("from a stranger");
    co_await OrReturn(
        pair.server.SendTo(Bytes("hello"), pair.client.local_address()));

    const std::string text = co_await OrReturn(ReceiveText(pair.client));
    EXPECT_EQ(text, "hello");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, ChoosesAnotherPeer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    UdpSocket other = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));

    co_await OrReturn(pair.client.Connect(other.local_address()));
    co_await OrReturn(pair.client.Send(Bytes("hello")));

    EXPECT_EQ(pair.client.peer_address(), other.local_address());
    const std::string text = co_await OrReturn(ReceiveText(other));
    EXPECT_EQ(text, "hello");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, KeepsThePortThatTheSystemChoseWhenItLosesItsPeer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("0.0.0.0:0"));
    UdpSocket peer = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const Address bound = socket.local_address();
    co_await OrReturn(socket.Connect(peer.local_address()));
    EXPECT_EQ(socket.local_address(), Address::Loopback(bound.port()));

    co_await OrReturn(socket.Disconnect());

    EXPECT_EQ(socket.local_address(), bound);
    EXPECT_EQ(socket.peer_address(), std::nullopt);
    PlainSender stranger(Address::Loopback(bound.port()));
    EXPECT_TRUE(stranger.Send("from anybody"));
    const std::string text = co_await OrReturn(ReceiveText(socket));
    EXPECT_EQ(text, "from anybody");
    co_return socket.Disconnect();  // Nobody is not lost twice.
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// Where the system forgets a port that it has chosen, another may get it before
// it is bound again.
TEST(UdpSocketTest, SaysThatItsPortWasTakenWhenItLostItsPeer) {
  class Thief : public testing::SimulatedSystem {
   public:
    int connect(int fd, const sockaddr* address, socklen_t size) override {
      const int result = SimulatedSystem::connect(fd, address, size);
      if (address->sa_family != AF_UNSPEC) return result;
      taken_ = *OpenUdpSocket(*this, port);
      stole = BindSocket(*this, taken_.get(), port).ok();
      return result;
    }

    Address port;
    bool stole = false;

   private:
    reactor::Fd taken_;
  } system;

  const absl::Status status = Simulate(
      {.system = &system},
      [](Thief& thief) -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        thief.port = pair.client.local_address();
        const absl::Status lost = pair.client.Disconnect();
        EXPECT_EQ(pair.client.peer_address(), std::nullopt);
        EXPECT_EQ(lost.ok(), !thief.stole);  // Others keep the port.
        co_return lost;
      },
      system);

  if (!system.stole) GTEST_SKIP() << "this system keeps the port";
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bind(\"127.0.0.1:"));
}

// As the BSDs answer when the peer is gone as asked.
TEST(UdpSocketTest, IsWithoutAPeerWhateverTheSystemSaysOfIt) {
  class Complaining : public testing::SimulatedSystem {
   public:
    int connect(int fd, const sockaddr* address, socklen_t size) override {
      const int result = SimulatedSystem::connect(fd, address, size);
      if (address->sa_family != AF_UNSPEC) return result;
      errno = EAFNOSUPPORT;
      return -1;
    }
  } system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        co_await OrReturn(pair.client.Disconnect());
        EXPECT_EQ(pair.client.peer_address(), std::nullopt);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, SaysThatItCouldNotLoseItsPeer) {
  class Refusing : public testing::SimulatedSystem {
   public:
    int connect(int fd, const sockaddr* address, socklen_t size) override {
      if (address->sa_family != AF_UNSPEC) {
        return SimulatedSystem::connect(fd, address, size);
      }
      errno = EINVAL;
      return -1;
    }
  } system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        const absl::Status lost = pair.client.Disconnect();
        EXPECT_EQ(pair.client.peer_address(), pair.server.local_address());
        co_return lost;
      });

  EXPECT_EQ(reactor::ErrnoOf(status), EINVAL);
}

TEST(UdpSocketTest, SaysThatThereIsNobodyToSendTo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));

    co_return co_await socket.Send(Bytes("hello"));
  });

  EXPECT_EQ(reactor::ErrnoOf(status), EDESTADDRREQ);
}

// Connected to a port where nobody is any more.
Task<absl::StatusOr<UdpSocket>> MakeLonely() {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  co_return std::move(pair.client);
}

TEST(UdpSocketTest, ReportsOnceThatAnEarlierDatagramWasRefused) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(MakeLonely());
    const std::string peer = socket.peer_address()->ToString();
    socket.SetReadTimeout(absl::ZeroDuration());
    std::array<std::byte, 64> buffer;
    co_await OrReturn(socket.Send(Bytes("anybody?")));

    const absl::StatusOr<Received> first = co_await socket.Receive(buffer);
    const absl::StatusOr<Received> second = co_await socket.Receive(buffer);
    EXPECT_EQ(std::string(first.status().message()),
              "receive(\"" + peer + "\"): Connection refused");
    EXPECT_EQ(first.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kDeadlineExceeded);

    co_await OrReturn(socket.Send(Bytes("really?")));
    const absl::Status third = co_await socket.Send(Bytes("hello?"));
    EXPECT_EQ(third.code(), absl::StatusCode::kUnavailable);
    co_return co_await socket.Send(Bytes("hello?"));
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> ReceiveStatus(UdpSocket& socket) {
  std::array<std::byte, 64> buffer;
  const absl::StatusOr<Received> got = co_await socket.Receive(buffer);
  co_return got.status();
}

TEST(UdpSocketTest, WakesItsReceiverWhenADatagramWasRefused) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(MakeLonely());
    JoinHandle<absl::Status> receiver = Spawn(ReceiveStatus, std::ref(socket));
    co_await Yield();

    co_await OrReturn(socket.Send(Bytes("anybody?")));

    co_return co_await receiver.Join();
  });

  EXPECT_EQ(reactor::ErrnoOf(status), ECONNREFUSED);
}

// --- Ends -------------------------------------------------------------------

TEST(UdpSocketTest, TellsItsWaiterThatItsOwnerHasClosedIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    JoinHandle<absl::Status> receiver = Spawn(ReceiveStatus, std::ref(socket));
    co_await Yield();

    socket.Close();
    socket.Close();
    co_return co_await receiver.Join();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(UdpSocketTest, DoesNothingOnceItIsClosed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    constexpr auto kClosed = absl::StatusCode::kFailedPrecondition;
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    UdpSocket& socket = pair.client;
    const Address local = socket.local_address();
    socket.Close();

    const absl::Status sent = co_await socket.Send(Bytes("x"));
    EXPECT_EQ(sent.code(), kClosed);
    EXPECT_EQ(socket.Connect(local).code(), kClosed);
    EXPECT_EQ(socket.Disconnect().code(), kClosed);
    EXPECT_EQ(socket.SetBroadcast(true).code(), kClosed);
    EXPECT_EQ(socket.SetCoalescing(true).status().code(), kClosed);
    EXPECT_EQ(socket.SendsSegments().status().code(), kClosed);
    EXPECT_EQ(socket.receive_buffer_size().status().code(), kClosed);
    EXPECT_EQ(socket.multicast().SetTtl(2).code(), kClosed);
    co_return UdpSocket::Bind(local).status();  // The port is free again.
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(UdpSocketTest, GivesUpWaitingAfterItsTimeout) {
  testing::Simulator sim;
  const Instant start = sim.now();

  const absl::Status status = sim.Run([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    socket.SetReadTimeout(absl::Seconds(5));
    co_return co_await ReceiveStatus(socket);
  }());

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nothing for 5s"));
  EXPECT_GE(sim.now() - start, absl::Seconds(5));
}

TEST(UdpSocketTest, TakesOverASocketThatIsConnected) {
  const int before = testing::OpenDescriptors();
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    reactor::System& kernel = reactor::System::Kernel();
    UdpSocket server = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    reactor::Fd fd =
        co_await OrReturn(OpenUdpSocket(kernel, server.local_address()));
    const Address::SystemForm form = server.local_address().ToSystem();
    EXPECT_EQ(kernel.connect(fd.get(), form.get(), form.size()), 0);

    UdpSocket client = co_await OrReturn(UdpSocket::FromFd(std::move(fd)));

    EXPECT_EQ(client.peer_address(), server.local_address());
    co_await OrReturn(client.Send(Bytes("hello")));
    std::array<std::byte, 64> buffer;
    const Datagram got = co_await OrReturn(server.ReceiveFrom(buffer));
    EXPECT_EQ(got.from, client.local_address());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(testing::OpenDescriptors(), before);
}

TEST(UdpSocketTest, TakesOverNoSocketOfAnotherKind) {
  const int before = testing::OpenDescriptors();
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    reactor::System& kernel = reactor::System::Kernel();
    const Address any = Address::Loopback(0);
    reactor::Fd tcp = co_await OrReturn(OpenTcpSocket(kernel, any));
    std::array<int, 2> ends{};
    EXPECT_EQ(kernel.socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
    const reactor::Fd rest(ends[1]);

    const absl::Status stream = UdpSocket::FromFd(std::move(tcp)).status();
    EXPECT_EQ(stream.code(), absl::StatusCode::kInvalidArgument);
    co_return UdpSocket::FromFd(reactor::Fd(ends[0])).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(testing::OpenDescriptors(), before);
}

// --- Options ----------------------------------------------------------------

// Remembers the options that are set.
class RememberingSystem : public testing::SimulatedSystem {
 public:
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override {
    set.emplace_back(level, name);
    return SimulatedSystem::setsockopt(fd, level, name, value, size);
  }

  std::vector<std::pair<int, int>> set;
};

Task<absl::Status> SetEverything(Address address) {
  const UdpOptions options = {.broadcast = true};
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind(address, options));
  co_await OrReturn(socket.SetBroadcast(false));
  co_await OrReturn(socket.SetTtl(7));
  co_await OrReturn(socket.SetTypeOfService(0x10));
  co_await OrReturn(socket.SetReceiveBufferSize(100'000));
  co_await OrReturn(socket.SetSendBufferSize(50'000));
  const bool broadcast = co_await OrReturn(socket.broadcast());
  const int ttl = co_await OrReturn(socket.ttl());
  const int type = co_await OrReturn(socket.type_of_service());
  EXPECT_FALSE(broadcast);
  EXPECT_EQ(ttl, 7);
  EXPECT_EQ(type, 0x10);
  const int receives = co_await OrReturn(socket.receive_buffer_size());
  const int sends = co_await OrReturn(socket.send_buffer_size());
  EXPECT_GE(receives, 100'000);
  EXPECT_GE(sends, 50'000);
  co_return socket.SetTtl(1000);
}

TEST(UdpSocketTest, SetsTheOptionsOfIpv4) {
  RememberingSystem system;

  const absl::Status status =
      Simulate({.system = &system}, SetEverything, Address::Loopback(0));

  EXPECT_EQ(reactor::ErrnoOf(status), EINVAL);
  EXPECT_EQ(std::string(status.message()),
            "setsockopt(IP_TTL): Invalid argument");
  EXPECT_THAT(
      system.set,
      ::testing::ElementsAre(
          std::pair(SOL_SOCKET, SO_BROADCAST),
          std::pair(SOL_SOCKET, SO_BROADCAST), std::pair(IPPROTO_IP, IP_TTL),
          std::pair(IPPROTO_IP, IP_TOS), std::pair(SOL_SOCKET, SO_RCVBUF),
          std::pair(SOL_SOCKET, SO_SNDBUF), std::pair(IPPROTO_IP, IP_TTL)));
}

TEST(UdpSocketTest, SetsTheOptionsOfIpv6) {
  RememberingSystem system;

  const absl::Status status =
      Simulate({.system = &system}, SetEverything, Address::LoopbackIpv6(0));

  EXPECT_EQ(std::string(status.message()),
            "setsockopt(IPV6_UNICAST_HOPS): Invalid argument");
  EXPECT_THAT(system.set,
              ::testing::IsSupersetOf(
                  {std::pair<int, int>(IPPROTO_IPV6, IPV6_V6ONLY),
                   std::pair<int, int>(IPPROTO_IPV6, IPV6_TCLASS)}));
}

TEST(UdpSocketTest, MayNotSendToAllUnlessItSaysSo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const Address all(Address::Ipv4Bytes{255, 255, 255, 255}, 9);

    co_return co_await socket.SendTo(Bytes("everybody"), all);
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace weft::net
