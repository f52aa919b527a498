// Tests of connecting: to whom it fails, how, and what is left then.
//
// SPDX-License-Identifier: MIT

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/socket.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/cancel_opening.h"
#include "weft/tests/net/silent_port.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::weft::reactor::Fd;
using ::weft::reactor::System;

// Counts the sockets that are open.
class CountingSystem : public testing::SimulatedSystem {
 public:
  int socket(int domain, int type, int protocol) override {
    const int fd = SimulatedSystem::socket(domain, type, protocol);
    if (fd >= 0) sockets_.push_back(fd);
    return fd;
  }
  int close(int fd) override {
    std::erase(sockets_, fd);
    return SimulatedSystem::close(fd);
  }
  std::size_t sockets() const { return sockets_.size(); }

 private:
  std::vector<int> sockets_;
};

Task<absl::Status> ConnectTo(Address address, ConnectOptions options) {
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(address, options);
  co_return stream.status();
}

TEST(TcpConnectTest, SaysThatThePeerRefuses) {
  const DeafPort port;

  const absl::Status status =
      Simulate({}, ConnectTo, port.address(), ConnectOptions{});

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("connect(\"" + port.address().ToString() +
                         "\"): Connection refused"));
}

TEST(TcpConnectTest, SaysWhatIsWrongWithTheAddress) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    absl::StatusOr<TcpStream> stream =
        co_await TcpStream::Connect("not an address");
    co_return stream.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"not an address\""));
}

TEST(TcpConnectTest, GivesUpAfterItsTimeoutAndSaysOnWhat) {
  const SilentPort port;
  CountingSystem system;
  testing::Simulator sim({.system = &system});
  const Instant start = sim.now();

  const absl::Status status =
      sim.Run(ConnectTo(port.address(), {.timeout = absl::Seconds(3)}));

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::string(status.message()),
            "connect(\"" + port.address().ToString() + "\"): no answer for 3s");
  EXPECT_GE(sim.now() - start, absl::Seconds(3));
  EXPECT_LT(sim.now() - start, absl::Seconds(4));
  EXPECT_EQ(system.sockets(), 0u);
}

TEST(TcpConnectTest, ClosesTheSocketWhenItIsCancelled) {
  const SilentPort port;
  CountingSystem system;
  testing::Simulator sim({.system = &system});
  JoinHandle<absl::Status> connecting =
      sim.SpawnJoinable(ConnectTo(port.address(), {}));
  sim.RunUntilIdle();
  ASSERT_FALSE(connecting.finished());
  ASSERT_EQ(system.sockets(), 1u);

  connecting.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(connecting.finished());
  EXPECT_EQ(connecting.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(system.sockets(), 0u);
}

TEST(TcpConnectTest, IsCancelledByItsScopeAndNotByItsTimeout) {
  const SilentPort port;
  testing::Simulator sim;
  JoinHandle<absl::Status> connecting = sim.SpawnJoinable(
      ConnectTo(port.address(), {.timeout = absl::Seconds(3)}));
  sim.RunFor(absl::Seconds(1));

  connecting.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(connecting.finished());
  EXPECT_EQ(connecting.BlockingJoin().code(), absl::StatusCode::kCancelled);
}

// Makes connections only after a wait, as over a real network.
class FarAwaySystem : public testing::SimulatedSystem {
 public:
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    SimulatedSystem::connect(fd, address, size);
    errno = EINPROGRESS;
    return -1;
  }
};

TEST(TcpConnectTest, LeavesNoSocketBehindWhereverItIsCancelled) {
  const DeafPort port;
  ASSERT_EQ(::listen(port.fd(), 100), 0);
  FarAwaySystem system;

  const CancelledOpenings tried =
      CancelOpeningEverywhere({.system = &system}, [&] {
        return TcpStream::Connect(
            port.address(), {.timeout = absl::Seconds(3), .no_delay = true});
      });

  EXPECT_GT(tried.places, 2);
  EXPECT_GE(tried.cancelled, 2);
}

TEST(TcpConnectTest, IsNoConnectionWhenTheSocketMetItself) {
  // A client's port is chosen by the system, which may choose the very port
  // that the client asks for.
  class Unlucky : public testing::SimulatedSystem {
   public:
    int connect(int fd, const sockaddr* address, socklen_t size) override {
      SimulatedSystem::bind(fd, address, size);
      return SimulatedSystem::connect(fd, address, size);
    }
  } system;
  auto port = std::make_unique<DeafPort>();
  const Address address = port->address();
  port.reset();

  const absl::Status status =
      Simulate({.system = &system}, ConnectTo, address, ConnectOptions{});

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Connection refused"));
}

TEST(TcpConnectTest, GoesOnWhenASignalInterruptsIt) {
  // What a system does then: the connection is made all the same.
  class Interrupting : public testing::SimulatedSystem {
   public:
    int connect(int fd, const sockaddr* address, socklen_t size) override {
      ++calls;
      SimulatedSystem::connect(fd, address, size);
      errno = EINTR;
      return -1;
    }
    int calls = 0;
  } system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        co_await OrReturn(pair.client.WriteAll(Bytes("connected")));
        const std::string text = co_await OrReturn(ReadText(pair.server));
        EXPECT_EQ(text, "connected");
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.calls, 1);
}

TEST(TcpConnectTest, SaysThatNoDescriptorIsLeft) {
  class Exhausted : public testing::SimulatedSystem {
   public:
    int socket(int, int, int) override {
      errno = EMFILE;
      return -1;
    }
  } system;

  const absl::Status status = Simulate({.system = &system}, ConnectTo,
                                       Address::Loopback(80), ConnectOptions{});

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(TcpConnectTest, SendsSmallWritesAtOnceWhereItIsToldTo) {
  class Recording : public testing::SimulatedSystem {
   public:
    int setsockopt(int fd, int level, int name, const void* value,
                   socklen_t size) override {
      if (level == IPPROTO_TCP && name == TCP_NODELAY) {
        no_delay.push_back(*static_cast<const int*>(value));
      }
      return SimulatedSystem::setsockopt(fd, level, name, value, size);
    }
    std::vector<int> no_delay;
  } system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpListener listener =
            co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
        const ConnectOptions options = {.no_delay = true};
        TcpStream stream = co_await OrReturn(
            TcpStream::Connect(listener.local_address(), options));
        co_return stream.SetNoDelay(false);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.no_delay, ::testing::ElementsAre(1, 0));
}

TEST(TcpConnectTest, ConnectsOverIpv6WhereThereIsAny) {
  Fd probe = *OpenTcpSocket(System::Kernel(), Address::LoopbackIpv6(0));
  if (!BindSocket(System::Kernel(), probe.get(), Address::LoopbackIpv6(0))
           .ok()) {
    GTEST_SKIP() << "this machine has no IPv6 loopback address";
  }

  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair(Address::LoopbackIpv6(0)));
    co_await OrReturn(pair.client.WriteAll(Bytes("six")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "six");
    EXPECT_TRUE(pair.server.peer_address().is_ipv6());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpConnectTest, ComesFromTheAddressThatItWasGiven) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    const ConnectOptions options = {
        .source = Address(Address::Ipv4Bytes{127, 0, 0, 2}, 0)};

    TcpStream client = co_await OrReturn(
        TcpStream::Connect(listener.local_address(), options));
    TcpStream server = co_await OrReturn(listener.Accept());

    EXPECT_EQ(server.peer_address().WithPort(0), *options.source);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpConnectTest, ASourceThatIsNotOfThisMachineIsTheError) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const ConnectOptions options = {
        .source = Address(Address::Ipv4Bytes{192, 0, 2, 1}, 0)};
    const auto client =
        co_await TcpStream::Connect(Address::Loopback(1), options);
    co_return client.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1"));
}

}  // namespace
}  // namespace weft::net
