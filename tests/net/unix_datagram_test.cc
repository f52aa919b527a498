// Tests of datagrams within this machine.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_datagram.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
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
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"
#include "weft/tests/support/faulting_system.h"

namespace weft::net {
namespace {

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

// Sends until the receiver's queue is full; says how many.
Task<absl::StatusOr<int>> Flood(UnixDatagram& sender, UnixAddress to) {
  sender.SetWriteTimeout(absl::ZeroDuration());
  for (int sent = 0;; ++sent) {
    const absl::Status status = co_await sender.SendTo(Bytes("flood"), to);
    if (absl::IsDeadlineExceeded(status)) co_return sent;
    co_await OrReturn(status);
  }
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

TEST_F(UnixDatagramTest, RefusesToTakeOverAStream) {
  auto body = []() -> Task<absl::Status> {
    reactor::Fd stream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    co_return UnixDatagram::FromFd(std::move(stream)).status();
  };

  EXPECT_EQ(Run(body).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::net
