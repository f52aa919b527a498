// Tests of the options that are set before a connection is made: that they are
// there when it is, and on those that a listener accepts.
//
// SPDX-License-Identifier: MIT

#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/multicast.h"
#include "weft/net/socket_options.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::weft::testing::OpenDescriptors;

constexpr KeepAlive kOften = {
    .idle = absl::Seconds(30), .interval = absl::Seconds(5), .probes = 3};
constexpr int kBuffer = 16'384;

// As systems go: Linux's, or the others'.
const char* LoopbackName() {
  return ::if_nametoindex("lo") != 0 ? "lo" : "lo0";
}

// A number that a socket is told or asked for: the level, the name, the value.
using ToldOption = std::tuple<int, int, int>;

ToldOption Told(const NumberOption& option, int value) {
  return {option.level, option.name, value};
}

// Notes down the calls that prepare a socket, and what they tell it; and what
// it answers.
class OrderedSystem : public testing::SimulatedSystem {
 public:
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override {
    calls.push_back("setsockopt");
    if (size == sizeof(int)) {
      told.push_back({level, name, *static_cast<const int*>(value)});
    }
    if (refuses) {
      errno = ENOPROTOOPT;
      return -1;
    }
    return SimulatedSystem::setsockopt(fd, level, name, value, size);
  }
  int getsockopt(int fd, int level, int name, void* value,
                 socklen_t* size) override {
    const int result =
        SimulatedSystem::getsockopt(fd, level, name, value, size);
    if (result == 0 && *size == sizeof(int)) {
      answered.push_back({level, name, *static_cast<const int*>(value)});
    }
    return result;
  }
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    calls.push_back("connect");
    return SimulatedSystem::connect(fd, address, size);
  }
  int listen(int fd, int backlog) override {
    calls.push_back("listen");
    return SimulatedSystem::listen(fd, backlog);
  }

  std::vector<std::string> calls;
  std::vector<ToldOption> told;
  std::vector<ToldOption> answered;
  bool refuses = false;
};

class TcpSetupFamilyTest : public ::testing::TestWithParam<Address> {};

Task<absl::Status> CheckOptions(TcpStream& stream) {
  const bool no_delay = co_await OrReturn(stream.no_delay());
  const auto keep_alive = co_await OrReturn(stream.keep_alive());
  const int sending = co_await OrReturn(stream.send_buffer_size());
  const int receiving = co_await OrReturn(stream.receive_buffer_size());
  const int type_of_service = co_await OrReturn(stream.type_of_service());
  EXPECT_TRUE(no_delay);
  EXPECT_EQ(keep_alive, kOften);
  // Linux says twice what it was asked for: socket(7).
  EXPECT_GE(sending, kBuffer);
  EXPECT_LE(sending, 2 * kBuffer);
  EXPECT_GE(receiving, kBuffer);
  EXPECT_LE(receiving, 2 * kBuffer);
  EXPECT_EQ(type_of_service, 0x10);
  co_return absl::OkStatus();
}

template <typename Options>
Options AllOptions(std::uint32_t interface) {
  Options options;
  options.no_delay = true;
  options.keep_alive = kOften;
  options.send_buffer_size = kBuffer;
  options.receive_buffer_size = kBuffer;
  options.type_of_service = 0x10;
  options.interface = interface;
  return options;
}

Task<absl::Status> SetUpBothEnds(Address address) {
  const std::uint32_t loopback =
      co_await OrReturn(InterfaceNumber(LoopbackName()));
  const auto listening = AllOptions<ListenOptions>(loopback);
  const auto connecting = AllOptions<ConnectOptions>(loopback);
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(address, listening));
  TcpStream client = co_await OrReturn(
      TcpStream::Connect(listener.local_address(), connecting));
  TcpStream server = co_await OrReturn(listener.Accept());
  co_await OrReturn(CheckOptions(client));
  co_await OrReturn(CheckOptions(server));
  co_await OrReturn(client.WriteAll(Bytes("there")));
  const std::string text = co_await OrReturn(ReadText(server));
  EXPECT_EQ(text, "there");
  co_return absl::OkStatus();
}

TEST_P(TcpSetupFamilyTest, OptionsAreThereFromTheBeginning) {
  EXPECT_EQ(Simulate({}, SetUpBothEnds, GetParam()), absl::OkStatus());
}

// Of a connection through it nobody sees that it could not go through another.
TEST_P(TcpSetupFamilyTest, BothEndsAreToldTheirInterface) {
  OrderedSystem system;
  const int loopback = static_cast<int>(::if_nametoindex(LoopbackName()));

  EXPECT_EQ(Simulate({.system = &system}, SetUpBothEnds, GetParam()),
            absl::OkStatus());

  const NumberOption& option = InterfaceOption(GetParam().is_ipv6());
  EXPECT_EQ(std::ranges::count(system.told, Told(option, loopback)), 2);
}

INSTANTIATE_TEST_SUITE_P(All, TcpSetupFamilyTest,
                         ::testing::Values(Address::Loopback(0),
                                           Address::LoopbackIpv6(0)),
                         [](const auto& address) {
                           return address.param.is_ipv4() ? "Ipv4" : "Ipv6";
                         });

TEST(TcpSetupTest, AreOffUnlessTheyAreAskedFor) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const bool no_delay = co_await OrReturn(pair.server.no_delay());
    const auto keep_alive = co_await OrReturn(pair.client.keep_alive());
    EXPECT_FALSE(no_delay);
    EXPECT_EQ(keep_alive, std::nullopt);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> ConnectWithABuffer() {
  const ListenOptions marked = {.reuse_address = false,
                                .type_of_service = 0x10};
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(Address::Loopback(0), marked));
  ConnectOptions options;
  options.receive_buffer_size = kBuffer;
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(listener.local_address(), options);
  co_return stream.status();
}

TEST(TcpSetupTest, AreSetBeforeItListensAndBeforeItConnects) {
  OrderedSystem system;

  EXPECT_EQ(Simulate({.system = &system}, ConnectWithABuffer),
            absl::OkStatus());

  EXPECT_THAT(system.calls,
              ElementsAre("setsockopt", "listen", "setsockopt", "connect"));
  EXPECT_THAT(system.told, ElementsAre(Told(kTypeOfService, 0x10),
                                       Told(kReceiveBufferSize, kBuffer)));
}

// To the system 0 is no restriction, and so the opposite of what is asked for.
TEST(TcpSetupTest, NoInterfaceHasTheNumberZero) {
  const int before = OpenDescriptors();
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const ListenOptions listening = {.interface = 0};
    const absl::Status bound =
        TcpListener::Bind(Address::Loopback(0), listening).status();
    EXPECT_EQ(bound.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(bound.message()), HasSubstr("interface 0"));
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(Address::Loopback(0)));
    ConnectOptions connecting;
    connecting.interface = 0;
    absl::StatusOr<TcpStream> stream =
        co_await TcpStream::Connect(listener.local_address(), connecting);
    co_return stream.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("interface 0"));
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Both families at once --------------------------------------------------

Task<absl::StatusOr<TcpStream>> AcceptFrom(Address host) {
  const ListenOptions options = {.ipv6_only = false, .type_of_service = 0x10};
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(Address::AnyIpv6(0), options));
  const Address to = host.WithPort(listener.local_address().port());
  TcpStream client = co_await OrReturn(TcpStream::Connect(to));
  co_return co_await listener.Accept();
}

Task<absl::Status> MarkAnew(Address host) {
  TcpStream server = co_await OrReturn(AcceptFrom(host));
  EXPECT_TRUE(server.peer_address().is_ipv6());
  const int type_of_service = co_await OrReturn(server.type_of_service());
  EXPECT_EQ(type_of_service, 0x10);
  co_return server.SetTypeOfService(0x20);
}

// The packets to a client by IPv4 are IPv4's, though its address is not.
TEST_P(TcpSetupFamilyTest, AListenerOfBothFamiliesMarksThePacketsOfEither) {
  OrderedSystem system;

  EXPECT_EQ(Simulate({.system = &system}, MarkAnew, GetParam()),
            absl::OkStatus());

  const NumberOption& option = TypeOfServiceOption(GetParam().is_ipv6());
  EXPECT_THAT(system.answered, Contains(Told(option, 0x10)));
  EXPECT_EQ(system.told.back(), Told(option, 0x20));
}

TEST(TcpSetupTest, WhatTheSystemRefusesIsToldAndNothingStaysOpen) {
  OrderedSystem system;
  const int before = OpenDescriptors();
  const absl::Status status = Simulate(
      {.system = &system},
      [](OrderedSystem& system) -> Task<absl::Status> {
        TcpListener listener =
            co_await OrReturn(TcpListener::Bind(Address::Loopback(0)));
        system.refuses = true;
        ConnectOptions options;
        options.type_of_service = 0x10;
        absl::StatusOr<TcpStream> stream =
            co_await TcpStream::Connect(listener.local_address(), options);
        co_return stream.status();
      },
      system);

  EXPECT_EQ(reactor::ErrnoOf(status), ENOPROTOOPT);
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(system.calls.back(), "setsockopt");
}

}  // namespace
}  // namespace weft::net
