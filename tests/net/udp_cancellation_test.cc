// Tests of cancellation where datagrams are exchanged: a receive that says
// CANCELLED has taken none, and a send has sent none, wherever the cancellation
// meets it.
//
// SPDX-License-Identifier: MIT

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
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/socket.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"

namespace weft::net {
namespace {

// A socket that two see: the task that uses it, and the test, which counts
// afterwards what nobody has received.
class SeenSocket {
 public:
  SeenSocket()
      : fd_(*OpenUdpSocket(reactor::System::Kernel(), Address::Loopback(0))) {
    const absl::Status bound =
        BindSocket(reactor::System::Kernel(), fd_.get(), Address::Loopback(0));
    EXPECT_EQ(bound, absl::OkStatus());
  }

  // For the task. Requires: InsideRuntime().
  absl::StatusOr<UdpSocket> Use() const {
    return UdpSocket::FromFd(reactor::Fd(::dup(fd_.get())));
  }
  Address address() const {
    return *LocalAddressOf(reactor::System::Kernel(), fd_.get());
  }
  int CountQueued() const {
    int count = 0;
    while (::recv(fd_.get(), nullptr, 0, MSG_DONTWAIT) >= 0) ++count;
    return count;
  }

 private:
  reactor::Fd fd_;
};

// How far a conversation came.
struct Conversation {
  SeenSocket asker, answerer;
  int asked = 0, heard = 0;          // Questions sent and received.
  int answered = 0, understood = 0;  // Answers sent and received.

  bool NothingIsLost() const {
    return asked == heard + answerer.CountQueued() &&
           answered == understood + asker.CountQueued();
  }
};

constexpr int kQuestions = 5;

Task<absl::Status> Ask(Conversation& talk) {
  UdpSocket socket = co_await OrReturn(talk.asker.Use());
  std::array<std::byte, 64> buffer;
  for (int i = 0; i < kQuestions; ++i) {
    co_await OrReturn(
        socket.SendTo(Bytes("question"), talk.answerer.address()));
    ++talk.asked;
    co_await OrReturn(socket.Peek({}));
    co_await OrReturn(socket.ReceiveFrom(buffer));
    ++talk.understood;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Answer(Conversation& talk) {
  UdpSocket socket = co_await OrReturn(talk.answerer.Use());
  std::array<std::byte, 64> buffer;
  std::array<IncomingDatagram, 2> questions;
  std::array<OutgoingDatagram, 1> answer = {
      OutgoingDatagram{.bytes = Bytes("answer")}};
  questions[0].into = std::span(buffer).first(32);
  questions[1].into = std::span(buffer).last(32);
  while (talk.answered < kQuestions) {
    const std::size_t heard = co_await OrReturn(socket.ReceiveBatch(questions));
    talk.heard += static_cast<int>(heard);
    answer[0].to = questions[0].got.from;
    co_await OrReturn(socket.SendBatch(answer));
    ++talk.answered;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Converse(Conversation& talk) {
  auto [asked, answered] = co_await WhenAll(Ask(talk), Answer(talk));
  asked.Update(answered);
  co_return asked;
}

TEST(UdpCancellationTest, LosesNoDatagramAnywhereInAConversation) {
  std::optional<Conversation> talk;

  const absl::StatusOr<int> places = testing::CancelEverywhere(
      {.seeds = 20}, [&] { return Converse(talk.emplace()); },
      [&](const absl::Status& result, const testing::Interrupted&) {
        const bool whole = result.ok() || absl::IsCancelled(result);
        if (!whole || !talk->NothingIsLost()) {
          return absl::InternalError(
              absl::StrCat("a datagram is lost: ", result.ToString()));
        }
        return absl::OkStatus();
      });

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GT(*places, 10);
}

TEST(UdpCancellationTest, LosesNoDatagramWhereADeadlinePasses) {
  std::optional<Conversation> talk;

  const absl::StatusOr<int> places = testing::ExpireEverywhere(
      {}, [&] { return Converse(talk.emplace()); },
      [&](const absl::Status&, const testing::Interrupted&) {
        return talk->NothingIsLost() ? absl::OkStatus()
                                     : absl::InternalError("one is lost");
      });

  ASSERT_TRUE(places.ok()) << places.status();
}

// A socket whose buffer is always full.
class FullSystem : public testing::SimulatedSystem {
 public:
  ssize_t sendmsg(int, const msghdr*, int) override { return Full(); }
  int sendmmsg(int, reactor::CountedMessage*, unsigned int, int) override {
    return Full();
  }

 private:
  static int Full() {
    errno = EAGAIN;
    return -1;
  }
};

Task<absl::Status> SendForEver(bool batch) {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  if (!batch) co_return co_await pair.client.Send(Bytes("never"));
  const std::array<OutgoingDatagram, 1> datagrams = {
      OutgoingDatagram{.bytes = Bytes("never")}};
  const absl::StatusOr<std::size_t> sent =
      co_await pair.client.SendBatch(datagrams);
  co_return sent.status();
}

class UdpStuckTest : public ::testing::TestWithParam<bool> {};

TEST_P(UdpStuckTest, IsCancelledWhereASendWaits) {
  FullSystem system;
  testing::Simulator sim({.system = &system});
  JoinHandle<absl::Status> sender = sim.SpawnJoinable(SendForEver(GetParam()));
  sim.RunUntilIdle();
  ASSERT_FALSE(sender.finished());

  sender.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(sender.finished());
  EXPECT_EQ(sender.BlockingJoin().code(), absl::StatusCode::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(All, UdpStuckTest, ::testing::Bool(),
                         [](const auto& batch) {
                           return batch.param ? "Batch" : "Single";
                         });

// One task sends and another receives on one socket; the receiver is cancelled
// and another takes its place.
TEST(UdpCancellationTest, OfTheReceiverLeavesTheSenderAlone) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    JoinHandle<absl::StatusOr<std::string>> receiver =
        Spawn(ReceiveText, std::ref(pair.server));
    co_await Yield();

    receiver.Cancel();
    const absl::StatusOr<std::string> none = co_await receiver.Join();
    EXPECT_EQ(none.status().code(), absl::StatusCode::kCancelled);
    co_await OrReturn(
        pair.server.SendTo(Bytes("still"), pair.client.local_address()));
    const std::string text = co_await OrReturn(ReceiveText(pair.client));
    EXPECT_EQ(text, "still");
    co_await OrReturn(pair.client.Send(Bytes("here")));
    const std::string next = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(next, "here");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
