// Tests of datagrams within this machine.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_datagram.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"
#include "weft/tests/support/faulting_system.h"

namespace weft::net {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using UnixDatagramTest = UnixSocketTest;

TEST_F(UnixDatagramTest, KnowsWhoHasSentAndAnswers) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client =
        co_await OrReturn(UnixDatagram::Bind(folder_ / "client"));
    std::array<std::byte, 16> buffer;

    co_await OrReturn(client.SendTo(Bytes("ping"), server.local_address()));
    const UnixDatagram::Datagram ping =
        co_await OrReturn(server.ReceiveFrom(buffer));
    co_await OrReturn(server.SendTo(Bytes("pong"), ping.from));
    const Received pong = co_await OrReturn(client.Receive(buffer));

    EXPECT_EQ(ping.from, client.local_address());
    EXPECT_EQ(Text(std::span(buffer).first(pong.size)), "pong");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  EXPECT_THAT(folder_.Names(), IsEmpty());
}

TEST_F(UnixDatagramTest, AConnectThatIsInterruptedIsMadeAgain) {
  tests::FaultingSystem system;
  weft::testing::Simulator sim({.system = &system});
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_return client.Connect(path_);
  };
  system.Begin({{.call = "connect", .error = EINTR}});

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());
  EXPECT_EQ(system.happened(), 1);
}

TEST_F(UnixDatagramTest, OneOfNoBytesIsADatagramAndALongOneIsCut) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    std::array<std::byte, 2> buffer;
    co_await OrReturn(pair.first.Send({}));
    co_await OrReturn(pair.first.Send(Bytes("long")));

    const Received empty = co_await OrReturn(pair.second.Receive(buffer));
    const Received cut = co_await OrReturn(pair.second.Receive(buffer));

    EXPECT_EQ(empty.size, 0u);
    EXPECT_FALSE(empty.truncated);
    EXPECT_EQ(cut.size, 2u);
    EXPECT_TRUE(cut.truncated);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// Nothing of the waiting sender's is in the queue, so no event tells it.
TEST_F(UnixDatagramTest, WhoFindsAQueueFullOfOthersIsServedAllTheSame) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram flooder = co_await OrReturn(UnixDatagram::Unbound());
    UnixDatagram late = co_await OrReturn(UnixDatagram::Unbound());
    const int flooded =
        co_await OrReturn(Flood(flooder, server.local_address()));
    JoinHandle<absl::Status> waiting =
        Spawn(late.SendTo(Bytes("late"), server.local_address()));

    std::array<std::byte, 16> buffer;
    for (int i = 0; i < flooded; ++i) {
      co_await OrReturn(server.Receive(buffer));
    }
    const Received got = co_await OrReturn(server.Receive(buffer));
    co_await OrReturn(waiting.Join());

    EXPECT_EQ(Text(std::span(buffer).first(got.size)), "late");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// Also of a queue that others have filled: the kernel relays the event.
TEST_F(UnixDatagramTest, ConnectedItIsToldOfRoomAndAsksNoClock) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram flooder = co_await OrReturn(UnixDatagram::Unbound());
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(client.Connect(path_));
    co_await OrReturn(Flood(flooder, server.local_address()));
    auto send = [](UnixDatagram& from) -> Task<absl::Status> {
      co_return co_await from.Send(Bytes("late"));
    };
    JoinHandle<absl::Status> waiting = Spawn(send, std::ref(client));
    co_await Yield();
    EXPECT_FALSE(waiting.finished());
    const Instant begin = Now();

    std::array<std::byte, 16> buffer;
    co_await OrReturn(server.Receive(buffer));
    co_await OrReturn(waiting.Join());

    EXPECT_EQ(Now() - begin, absl::ZeroDuration());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, ASendThatWaitsHasItsTimeout) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(Flood(client, server.local_address()));
    client.SetWriteTimeout(absl::Seconds(5));
    const Instant begin = Now();

    const absl::Status late =
        co_await client.SendTo(Bytes("late"), server.local_address());

    EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(std::string(late.message()),
              "send(\"" + path_ + "\"): nothing for 5s");
    EXPECT_GE(Now() - begin, absl::Seconds(5));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, ConnectedItSendsToItsPeer) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    std::array<std::byte, 16> buffer;

    co_await OrReturn(client.Connect(path_));
    co_await OrReturn(client.Send(Bytes("hi")));
    const UnixDatagram::Datagram got =
        co_await OrReturn(server.ReceiveFrom(buffer));

    EXPECT_TRUE(got.from.is_unnamed());
    EXPECT_EQ(Text(std::span(buffer).first(got.size)), "hi");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, NobodyThereIsToldFromNobodyWhoListens) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());

    const absl::Status missing = client.Connect(path_);
    folder_.Write("socket", "no socket at all");
    const absl::Status no_socket = client.Connect(path_);

    EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(no_socket.code(), absl::StatusCode::kUnavailable);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, AClosedOneWakesWhoWaits) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    auto receive = [](UnixDatagram& socket) -> Task<absl::Status> {
      std::array<std::byte, 16> buffer;
      auto got = co_await socket.Receive(buffer);
      co_return got.status();
    };
    JoinHandle<absl::Status> waiting = Spawn(receive, std::ref(pair.second));
    const absl::Status turn = co_await SleepFor(absl::Seconds(1));

    pair.second.Close();
    const absl::Status woken = co_await waiting.Join();

    EXPECT_EQ(turn, absl::OkStatus());
    EXPECT_EQ(woken.code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, APeekLeavesTheDatagramWhole) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    std::array<std::byte, 16> buffer;
    co_await OrReturn(pair.first.Send(Bytes("long")));

    const Received begin =
        co_await OrReturn(pair.second.Peek(std::span(buffer).first(2)));
    const std::string seen = Text(std::span(buffer).first(begin.size));
    const Received got = co_await OrReturn(pair.second.Receive(buffer));

    EXPECT_EQ(seen, "lo");
    EXPECT_TRUE(begin.truncated);
    EXPECT_EQ(Text(std::span(buffer).first(got.size)), "long");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, AReceiveHasItsTimeoutAndWorksAfterwards) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    std::array<std::byte, 16> buffer;
    pair.second.SetReadTimeout(absl::Seconds(5));
    const Instant begin = Now();

    const auto late = co_await pair.second.Receive(buffer);
    const absl::Duration waited = Now() - begin;
    const auto late_descriptors =
        co_await pair.second.ReceiveDescriptors(buffer);
    co_await OrReturn(pair.first.Send(Bytes("here")));
    const Received got = co_await OrReturn(pair.second.Receive(buffer));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(late_descriptors.status()));
    EXPECT_GE(waited, absl::Seconds(5));
    EXPECT_EQ(Text(std::span(buffer).first(got.size)), "here");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, SaysWhoItsPeerIs) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const bool had_one = client.peer_address().has_value();

    co_await OrReturn(client.Connect(path_));

    EXPECT_FALSE(had_one);
    EXPECT_EQ(client.peer_address(), server.local_address());
    EXPECT_EQ(server.peer_address(), std::nullopt);
    EXPECT_EQ(pair.first.peer_address(), UnixAddress());
    EXPECT_EQ(pair.second.peer_address(), UnixAddress());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// As the kernel has it: it keeps the one before, on Linux.
TEST_F(UnixDatagramTest, AConnectThatFailsLeavesWhatTheSystemSays) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(client.Connect(path_));

    const absl::Status failed = client.Connect(folder_ / "nobody");
    const bool has_peer = client.peer_address().has_value();
    const absl::Status sent = co_await client.Send(Bytes("still"));

    EXPECT_EQ(failed.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(sent.ok(), has_peer) << sent;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramTest, ItsBuffersCanBeGivenASize) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());

    co_await OrReturn(pair.first.SetSendBufferSize(20'000));
    co_await OrReturn(pair.first.SetReceiveBufferSize(30'000));
    const int send = co_await OrReturn(pair.first.send_buffer_size());
    const int receive = co_await OrReturn(pair.first.receive_buffer_size());

    EXPECT_THAT(send, AnyOf(20'000, 40'000));
    EXPECT_THAT(receive, AnyOf(30'000, 60'000));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- A file that a dead program has left ------------------------------------

void LeaveStaleSocket(const std::string& path) {
  const reactor::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto form = UnixAddress::Parse(path)->ToSystem();
  ASSERT_EQ(::bind(socket.get(), form.get(), form.size()), 0);
}

TEST_F(UnixDatagramTest, AStaleSocketIsReplacedWhereThatIsAskedFor) {
  LeaveStaleSocket(path_);
  auto body = [this]() -> Task<absl::Status> {
    const UnixDatagramOptions replacing = {.replace_stale = true};
    std::array<std::byte, 16> buffer;

    const auto refused = UnixDatagram::Bind(path_);
    UnixDatagram server =
        co_await OrReturn(UnixDatagram::Bind(path_, replacing));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(client.SendTo(Bytes("hi"), server.local_address()));
    const Received got = co_await OrReturn(server.Receive(buffer));

    EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(got.size, 2u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  EXPECT_THAT(folder_.Names(), IsEmpty());
}

TEST_F(UnixDatagramTest, WhatIsInUseOrNoSocketIsNeverReplaced) {
  auto body = [this]() -> Task<absl::Status> {
    const UnixDatagramOptions replacing = {.replace_stale = true};
    folder_.Write("file", "precious");
    UnixDatagram alive = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());

    const auto in_use = UnixDatagram::Bind(path_, replacing);
    const auto file = UnixDatagram::Bind(folder_ / "file", replacing);
    const absl::Status sent =
        co_await client.SendTo(Bytes("hi"), alive.local_address());

    EXPECT_EQ(in_use.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(file.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(sent, absl::OkStatus());
    EXPECT_EQ(folder_.Read("file"), "precious");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- Sockets from elsewhere -------------------------------------------------

TEST_F(UnixDatagramTest, AdoptsASocketFromElsewhereAndLearnsItsEnds) {
  auto body = [this]() -> Task<absl::Status> {
    reactor::Fd socket(::socket(AF_UNIX, SOCK_DGRAM, 0));
    const int number = socket.get();
    const auto near = UnixAddress::Parse(folder_ / "near")->ToSystem();
    EXPECT_EQ(::bind(number, near.get(), near.size()), 0);
    UnixDatagram far = co_await OrReturn(UnixDatagram::Bind(path_));
    const auto there = far.local_address().ToSystem();
    EXPECT_EQ(::connect(number, there.get(), there.size()), 0);
    std::array<std::byte, 16> buffer;

    UnixDatagram adopted =
        co_await OrReturn(UnixDatagram::FromFd(std::move(socket)));
    co_await OrReturn(adopted.Send(Bytes("hi")));
    const UnixDatagram::Datagram got =
        co_await OrReturn(far.ReceiveFrom(buffer));

    EXPECT_EQ(adopted.local_address().ToString(), folder_ / "near");
    EXPECT_EQ(adopted.peer_address(), far.local_address());
    EXPECT_EQ(got.from, adopted.local_address());
    EXPECT_NE(::fcntl(number, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  // The file of a socket from elsewhere is whoever's has bound it.
  EXPECT_THAT(folder_.Names(), ElementsAre("near"));
}

TEST_F(UnixDatagramTest, RefusesToTakeOverASocketOfTheNetwork) {
  auto body = []() -> Task<absl::Status> {
    reactor::Fd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    co_return UnixDatagram::FromFd(std::move(udp)).status();
  };

  EXPECT_EQ(Run(body).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(UnixDatagramTest, RefusesToTakeOverAStream) {
  auto body = []() -> Task<absl::Status> {
    reactor::Fd stream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    co_return UnixDatagram::FromFd(std::move(stream)).status();
  };

  EXPECT_EQ(Run(body).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::net
