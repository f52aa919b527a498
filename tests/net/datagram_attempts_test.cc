// Tests of batches of datagrams, of what system calls may answer, and of what
// it costs to receive.
//
// SPDX-License-Identifier: MIT

#include "weft/net/datagram_attempts.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A batch with room for `count` datagrams of at most 64 bytes.
class Batch {
 public:
  explicit Batch(std::size_t count) : bytes_(count * 64), places_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      places_[i].into = std::span(bytes_).subspan(i * 64, 64);
    }
  }

  std::span<IncomingDatagram> places() { return places_; }
  std::vector<std::string> Texts(std::size_t count) const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
      texts.push_back(Text(places_[i].bytes()));
    }
    return texts;
  }

 private:
  std::vector<std::byte> bytes_;
  std::vector<IncomingDatagram> places_;
};

// --- Batches ----------------------------------------------------------------

TEST(DatagramBatchTest, GoesToSeveralAndComesFromSeveral) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    UdpSocket third = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    const Address server = pair.server.local_address();
    const std::array<OutgoingDatagram, 3> batch = {
        OutgoingDatagram{.bytes = Bytes("one"), .to = server},
        OutgoingDatagram{.bytes = Bytes(""), .to = server},
        OutgoingDatagram{.bytes = Bytes("three"), .to = third.local_address()}};
    Batch received(8);

    const std::size_t sent = co_await OrReturn(third.SendBatch(batch));
    EXPECT_EQ(sent, 3u);
    co_await OrReturn(pair.client.Send(Bytes("another")));
    const std::size_t got =
        co_await OrReturn(pair.server.ReceiveBatch(received.places()));

    EXPECT_EQ(got, 3u);
    EXPECT_THAT(received.Texts(got), ElementsAre("one", "", "another"));
    EXPECT_EQ(received.places()[1].got.from, third.local_address());
    EXPECT_EQ(received.places()[2].got.from, pair.client.local_address());
    const std::string own = co_await OrReturn(ReceiveText(third));
    EXPECT_EQ(own, "three");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(DatagramBatchTest, OfOneIsADatagram) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    const std::array<OutgoingDatagram, 1> batch = {
        OutgoingDatagram{.bytes = Bytes("alone")}};
    std::array<std::byte, 3> buffer;
    std::array<IncomingDatagram, 1> received;
    received[0].into = buffer;

    const std::size_t sent = co_await OrReturn(pair.client.SendBatch(batch));
    const std::size_t got =
        co_await OrReturn(pair.server.ReceiveBatch(received));

    EXPECT_EQ(sent, 1u);
    EXPECT_EQ(got, 1u);
    EXPECT_EQ(Text(received[0].bytes()), "alo");
    EXPECT_TRUE(received[0].got.truncated);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// Counts the calls that move datagrams.
class CountingSystem : public testing::SimulatedSystem {
 public:
  ssize_t recvmsg(int fd, msghdr* message, int flags) override {
    ++receives;
    return SimulatedSystem::recvmsg(fd, message, flags);
  }
  int recvmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override {
    ++receives;
    return SimulatedSystem::recvmmsg(fd, messages, count, flags);
  }
  int sendmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override {
    ++sends;
    return SimulatedSystem::sendmmsg(fd, messages, count, flags);
  }

  int receives = 0, sends = 0;
};

TEST(DatagramBatchTest, OfNoneIsDoneWithoutACall) {
  CountingSystem system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        const std::size_t sent = co_await OrReturn(pair.client.SendBatch({}));
        const std::size_t got = co_await OrReturn(pair.client.ReceiveBatch({}));
        EXPECT_EQ(sent + got, 0u);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.receives + system.sends, 0);
}

// Sends 150 datagrams, as many at a time as are taken, and receives them.
Task<absl::Status> MoveMany(std::vector<std::size_t>& sent,
                            std::vector<std::size_t>& received) {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  std::vector<std::string> texts(150);
  std::vector<OutgoingDatagram> all(150);
  for (std::size_t i = 0; i < all.size(); ++i) {
    texts[i] = absl::StrCat("number ", i);
    all[i].bytes = Bytes(texts[i]);
  }
  std::span<const OutgoingDatagram> rest(all);
  while (!rest.empty()) {
    const std::size_t count = co_await OrReturn(pair.client.SendBatch(rest));
    rest = rest.subspan(count);
    sent.push_back(count);
  }
  std::vector<std::string> got;
  Batch batch(150);
  while (got.size() < all.size()) {
    const std::size_t count =
        co_await OrReturn(pair.server.ReceiveBatch(batch.places()));
    for (std::string& text : batch.Texts(count)) got.push_back(text);
    received.push_back(count);
  }
  EXPECT_EQ(got, texts);
  co_return absl::OkStatus();
}

TEST(DatagramBatchTest, Takes64AtATime) {
  std::vector<std::size_t> sent;
  std::vector<std::size_t> received;

  const absl::Status status = Simulate({}, MoveMany, sent, received);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(sent, ElementsAre(64, 64, 22));
  EXPECT_THAT(received, ElementsAre(64, 64, 22));
}

// Takes whatever it is offered, and remembers how many that was.
class BottomlessSystem : public testing::SimulatedSystem {
 public:
  int sendmmsg(int, reactor::CountedMessage*, unsigned int count,
               int) override {
    return static_cast<int>(count);
  }
};

TEST(DatagramBatchTest, IsOfferedAMegabyteAtATime) {
  BottomlessSystem system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        const std::vector<std::byte> bytes(65'000);
        const std::vector<OutgoingDatagram> batch(
            40, OutgoingDatagram{.bytes = bytes});
        const std::size_t sent =
            co_await OrReturn(pair.client.SendBatch(batch));
        EXPECT_EQ(sent, 16u);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(DatagramBatchTest, EndsBeforeOneThatIsTooLong) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    const std::vector<std::byte> long_one(70'000);
    const std::array<OutgoingDatagram, 3> batch = {
        OutgoingDatagram{.bytes = Bytes("one")},
        OutgoingDatagram{.bytes = long_one},
        OutgoingDatagram{.bytes = Bytes("three")}};
    const std::span<const OutgoingDatagram> all(batch);

    const std::size_t sent = co_await OrReturn(pair.client.SendBatch(all));
    const absl::StatusOr<std::size_t> refused =
        co_await pair.client.SendBatch(all.subspan(1));
    const std::size_t rest =
        co_await OrReturn(pair.client.SendBatch(all.subspan(2)));

    EXPECT_EQ(sent, 1u);
    EXPECT_EQ(reactor::ErrnoOf(refused.status()), EMSGSIZE);
    EXPECT_EQ(rest, 1u);
    const std::string one = co_await OrReturn(ReceiveText(pair.server));
    const std::string three = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(one + three, "onethree");
    co_return co_await pair.client.Send(long_one);
  });

  EXPECT_EQ(reactor::ErrnoOf(status), EMSGSIZE);
  EXPECT_THAT(std::string(status.message()), HasSubstr("send(\"127.0.0.1:"));
}

// --- What it costs ----------------------------------------------------------

Task<absl::Status> ReceiveForEver(UdpSocket& socket, int& received) {
  std::array<std::byte, 4096> buffer;
  for (;; ++received) co_await OrReturn(socket.Receive(buffer));
}

// A short datagram does not prove that the socket is drained, as a short read
// of a stream does: each receive tries first.
TEST(DatagramAttemptsTest, TryBeforeTheyWait) {
  CountingSystem system;
  absl::StatusOr<UdpSocket> socket = absl::UnknownError("not bound yet");
  testing::Simulator sim({.system = &system});
  ASSERT_EQ(sim.Run([](absl::StatusOr<UdpSocket>& out) -> Task<absl::Status> {
    out = UdpSocket::Bind("127.0.0.1:0");
    co_return out.status();
  }(socket)),
            absl::OkStatus());
  int received = 0;
  sim.Spawn(ReceiveForEver, std::ref(*socket), std::ref(received));
  sim.RunUntilIdle();
  PlainSender sender(socket->local_address());
  system.receives = 0;

  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sender.Send("short"));
  sim.RunUntilIdle();

  EXPECT_EQ(received, 10);
  EXPECT_EQ(system.receives, 11);  // The last finds nothing, and waits.
}

// --- Faults -----------------------------------------------------------------

// Every first call of each kind fails with `error`, or every one does.
class FailingSystem : public testing::SimulatedSystem {
 public:
  explicit FailingSystem(int error, bool always = false)
      : error_(error), always_(always) {}

  ssize_t recvmsg(int fd, msghdr* message, int flags) override {
    if (Fails(0)) return -1;
    return SimulatedSystem::recvmsg(fd, message, flags);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    if (Fails(1)) return -1;
    return SimulatedSystem::sendmsg(fd, message, flags);
  }
  int recvmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override {
    if (Fails(2)) return -1;
    return SimulatedSystem::recvmmsg(fd, messages, count, flags);
  }
  int sendmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override {
    if (Fails(3)) return -1;
    return SimulatedSystem::sendmmsg(fd, messages, count, flags);
  }

  std::array<int, 4> calls{};

 private:
  bool Fails(std::size_t kind) {
    errno = error_;
    return calls[kind]++ == 0 || always_;
  }

  const int error_;
  const bool always_;
};

// One datagram by each kind of call, there and back.
Task<absl::Status> UseEveryCall() {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  const std::array<OutgoingDatagram, 1> batch = {
      OutgoingDatagram{.bytes = Bytes("two")}};
  Batch received(1);
  co_await OrReturn(pair.client.Send(Bytes("one")));
  const std::string one = co_await OrReturn(ReceiveText(pair.server));
  EXPECT_EQ(one, "one");
  co_await OrReturn(pair.client.SendBatch(batch));
  co_await OrReturn(pair.server.ReceiveBatch(received.places()));
  EXPECT_THAT(received.Texts(1), ElementsAre("two"));
  co_return absl::OkStatus();
}

TEST(DatagramAttemptsTest, GoOnWhenASignalInterruptsAnyCall) {
  FailingSystem system(EINTR);

  const absl::Status status = Simulate({.system = &system}, UseEveryCall);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.calls, ElementsAre(2, 2, 2, 2));
}

// A direction that has not waited yet is registered, and found ready.
Task<absl::Status> UseOneCall(bool batches) {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  const std::array<OutgoingDatagram, 1> batch = {
      OutgoingDatagram{.bytes = Bytes("here")}};
  Batch received(1);
  if (batches) {
    co_await OrReturn(pair.client.SendBatch(batch));
    co_await OrReturn(pair.server.ReceiveBatch(received.places()));
    EXPECT_THAT(received.Texts(1), ElementsAre("here"));
  } else {
    co_await OrReturn(pair.client.Send(Bytes("here")));
    const std::string text = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(text, "here");
  }
  co_return absl::OkStatus();
}

class DatagramWaitTest : public ::testing::TestWithParam<bool> {};

TEST_P(DatagramWaitTest, LastsUntilTheSocketIsReady) {
  FailingSystem system(EAGAIN);

  const absl::Status status =
      Simulate({.system = &system}, UseOneCall, GetParam());

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.calls,
              GetParam() ? ElementsAre(0, 0, 2, 2) : ElementsAre(2, 2, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(All, DatagramWaitTest, ::testing::Bool(),
                         [](const auto& batches) {
                           return batches.param ? "InBatches" : "OneByOne";
                         });

TEST(DatagramAttemptsTest, GiveUpWhereTheSocketStaysFull) {
  FailingSystem system(EAGAIN, /*always=*/true);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        pair.client.SetWriteTimeout(absl::Seconds(5));
        const std::array<OutgoingDatagram, 1> batch = {
            OutgoingDatagram{.bytes = Bytes("here")}};
        const absl::StatusOr<std::size_t> sent =
            co_await pair.client.SendBatch(batch);
        EXPECT_EQ(sent.status().code(), absl::StatusCode::kDeadlineExceeded);
        co_return co_await pair.client.Send(Bytes("here"));
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nothing for 5s"));
}

// As the BSDs say when the queue to the network is full; Linux does so rarely.
TEST(DatagramAttemptsTest, ReportThatTheQueueToTheNetworkIsFullAndGoOn) {
  FailingSystem system(ENOBUFS);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        const std::array<OutgoingDatagram, 1> batch = {
            OutgoingDatagram{.bytes = Bytes("here")}};
        const absl::Status full = co_await pair.client.Send(Bytes("here"));
        EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
        EXPECT_EQ(reactor::ErrnoOf(full), ENOBUFS);
        const absl::StatusOr<std::size_t> full_too =
            co_await pair.client.SendBatch(batch);
        EXPECT_EQ(reactor::ErrnoOf(full_too.status()), ENOBUFS);

        co_await OrReturn(pair.client.SendBatch(batch));
        co_return co_await pair.client.Send(Bytes("here"));
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_THAT(system.calls, ElementsAre(0, 2, 0, 2));
}

TEST(DatagramAttemptsTest, SayWhatFailedAndOnWhat) {
  FailingSystem system(EHOSTUNREACH, /*always=*/true);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        UdpPair pair = co_await OrReturn(MakeUdpPair());
        const std::string peer = pair.client.peer_address()->ToString();
        const std::string own = pair.server.local_address().ToString();
        const Address far(Address::Ipv4Bytes{192, 0, 2, 1}, 9);
        const std::array<OutgoingDatagram, 1> batch = {
            OutgoingDatagram{.bytes = Bytes("x"), .to = far}};
        Batch room(1);

        const absl::Status sent = co_await pair.client.Send(Bytes("x"));
        const absl::Status sent_to = co_await pair.server.SendTo({}, far);
        const absl::StatusOr<std::size_t> sent_batch =
            co_await pair.client.SendBatch(batch);
        const absl::StatusOr<Received> got =
            co_await pair.server.Receive(room.places()[0].into);
        const absl::StatusOr<Datagram> peeked =
            co_await pair.server.PeekFrom({});
        const absl::StatusOr<std::size_t> got_batch =
            co_await pair.client.ReceiveBatch(room.places());

        const std::string why = "\"): No route to host";
        EXPECT_EQ(std::string(sent.message()), "send(\"" + peer + why);
        EXPECT_EQ(std::string(sent_to.message()), "send(\"192.0.2.1:9" + why);
        EXPECT_EQ(std::string(sent_batch.status().message()),
                  "send(\"192.0.2.1:9" + why);
        EXPECT_EQ(std::string(got.status().message()),
                  "receive(\"" + own + why);
        EXPECT_EQ(std::string(peeked.status().message()),
                  "peek(\"" + own + why);
        EXPECT_EQ(std::string(got_batch.status().message()),
                  "receive(\"" + peer + why);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
