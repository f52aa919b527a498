// What a Source is told of sockets that connect, that are connected to, and
// that have no connections. readiness_conformance_test.cc has the rest.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/source.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/conformance/bare_connection.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/each_network.h"

namespace weft::net {
namespace {

class ReadinessBeginTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, ReadinessBeginTest, Networks(), NetworkName);

// --- Connecting and accepting ------------------------------------------------

TEST_P(ReadinessBeginTest, WakesWhoAccepts) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket listener = co_await OrReturn(ListenBare());
    auto accepting = Spawn(AcceptReady, std::ref(listener));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !accepting.finished();

    BareSocket client = co_await OrReturn(OpenBare());
    client.Connect(listener.address());
    BareSocket server = co_await OrReturn(accepting.Join());
    server.Send("welcome");
    const std::string text = co_await OrReturn(ReceiveReady(client));

    EXPECT_TRUE(waited);
    EXPECT_EQ(text, "welcome");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, TellsOfAConnectionBesideOneThatWaits) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket listener = co_await OrReturn(ListenBare());
    BareSocket first = co_await OrReturn(OpenBare());
    BareSocket second = co_await OrReturn(OpenBare());
    listener.Accept();  // Would block.
    first.Connect(listener.address());
    co_await OrReturn(WaitReady(listener.source(), Direction::kRead));
    listener.source().TakeReady(Direction::kRead);

    second.Connect(listener.address());
    co_await OrReturn(WaitReady(listener.source(), Direction::kRead));
    const absl::StatusOr<BareSocket> one = co_await AcceptReady(listener);
    const absl::StatusOr<BareSocket> other = co_await AcceptReady(listener);

    EXPECT_EQ(one.status(), absl::OkStatus());
    EXPECT_EQ(other.status(), absl::OkStatus());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, AFinishedConnectIsWritableAndHasNoError) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket listener = co_await OrReturn(ListenBare());
    BareSocket client = co_await OrReturn(OpenBare());

    client.Connect(listener.address());
    const bool begun = client.error == 0 || client.error == EINPROGRESS;
    co_await OrReturn(WaitReady(client.source(), Direction::kWrite));

    EXPECT_TRUE(begun);
    EXPECT_EQ(client.PendingError(), absl::OkStatus());
    EXPECT_EQ(client.Send("at once"), 7);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, ARefusedConnectIsWritableAndHasItsError) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const BareSocket nobody = co_await OrReturn(BindBare(SOCK_STREAM));
    BareSocket client = co_await OrReturn(OpenBare());

    client.Connect(nobody.address());  // Does not listen.
    absl::Status refused = reactor::ErrnoToStatus(client.error, "test");
    if (client.error == EINPROGRESS) {
      co_await OrReturn(WaitReady(client.source(), Direction::kWrite));
      refused = client.PendingError();
    }

    EXPECT_EQ(reactor::ErrnoOf(refused), ECONNREFUSED) << refused;
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Datagrams ---------------------------------------------------------------

TEST_P(ReadinessBeginTest, WakesAReceiverOfDatagrams) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket receiver = co_await OrReturn(BindBare(SOCK_DGRAM));
    BareSocket sender = co_await OrReturn(BindBare(SOCK_DGRAM));
    sender.Connect(receiver.address());
    auto receiving = Spawn(ReceiveReady, std::ref(receiver));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !receiving.finished();

    sender.Send("datagram");
    const std::string text = co_await OrReturn(receiving.Join());

    EXPECT_TRUE(waited);
    EXPECT_EQ(text, "datagram");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, TellsOfADatagramBesideOneThatWaits) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket receiver = co_await OrReturn(BindBare(SOCK_DGRAM));
    BareSocket sender = co_await OrReturn(BindBare(SOCK_DGRAM));
    sender.Connect(receiver.address());
    receiver.Receive();  // Would block.
    sender.Send("one");
    co_await OrReturn(WaitReady(receiver.source(), Direction::kRead));
    receiver.source().TakeReady(Direction::kRead);

    sender.Send("other");
    co_await OrReturn(WaitReady(receiver.source(), Direction::kRead));
    const std::string one = co_await OrReturn(ReceiveReady(receiver));
    const std::string other = co_await OrReturn(ReceiveReady(receiver));

    EXPECT_EQ(one, "one");
    EXPECT_EQ(other, "other");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, AnErrorOfADatagramSocketIsNoHangUp) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket receiver = co_await OrReturn(BindBare(SOCK_DGRAM));
    BareSocket sender = co_await OrReturn(BindBare(SOCK_DGRAM));
    sender.Connect(receiver.address());
    receiver.source().Close();
    auto receiving = Spawn(ReceiveReady, std::ref(sender));
    co_await OrReturn(SleepFor(kAWhile));

    sender.Send("anybody there?");
    const absl::StatusOr<std::string> refused = co_await receiving.Join();

    EXPECT_EQ(reactor::ErrnoOf(refused.status()), ECONNREFUSED)
        << refused.status();
    EXPECT_FALSE(sender.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessBeginTest, ADatagramSocketIsWritable) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket receiver = co_await OrReturn(BindBare(SOCK_DGRAM));
    BareSocket sender = co_await OrReturn(BindBare(SOCK_DGRAM));
    sender.Connect(receiver.address());
    sender.source().TakeReady(Direction::kWrite);

    co_await OrReturn(WaitReady(sender.source(), Direction::kWrite));

    EXPECT_EQ(sender.Send("x"), 1);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
