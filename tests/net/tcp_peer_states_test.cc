// A peer that closes, shuts down or resets a connection in every state that our
// end of it may be in: each ends with what the table says, at once, and nothing
// is left. Those connections, too, whose peer is gone without a word.
//
//     our end               the peer closes     resets
//     in the queue          accepted, 0         accepted and UNAVAILABLE, or
//                                               passed over
//     idle                  0                   UNAVAILABLE
//     reading               0                   UNAVAILABLE
//     writing               UNAVAILABLE         UNAVAILABLE
//     shut down, reading    0                   UNAVAILABLE
//     at its end, writing   UNAVAILABLE         UNAVAILABLE
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;

constexpr absl::StatusCode kOk = absl::StatusCode::kOk;
constexpr absl::StatusCode kGone = absl::StatusCode::kUnavailable;

Task<absl::Status> ReadToTheEnd(TcpStream& stream) {
  const auto all = co_await ReadAll(stream);
  co_return all.status();
}

Task<absl::Status> WriteForEver(TcpStream& stream) {
  const std::vector<std::byte> bytes(100'000);
  for (;;) co_await OrReturn(stream.WriteAll(bytes));
}

// A connection whose other end is in the test's hands.
class TcpPeerStatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = OpenDescriptors();
    sim_.emplace();
    auto connect = [this]() -> Task<absl::Status> {
      listener_ = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
      peer_.emplace(listener_->local_address());
      stream_ = co_await OrReturn(listener_->Accept());
      co_return absl::OkStatus();
    };
    ASSERT_EQ(sim_->Run(connect()), absl::OkStatus());
  }
  void TearDown() override {
    EXPECT_FALSE(sim_->AnyTasks());
    stream_.reset();
    listener_.reset();
    peer_.reset();
    sim_.reset();
    EXPECT_EQ(OpenDescriptors(), before_);
  }

  // Runs `task` to where it waits.
  JoinHandle<absl::Status> Begin(Task<absl::Status> task) {
    JoinHandle<absl::Status> handle = sim_->SpawnJoinable(std::move(task));
    sim_->RunUntilIdle();
    return handle;
  }
  // How it has ended, without any time.
  absl::StatusCode EndOf(JoinHandle<absl::Status>& handle) {
    const Instant start = sim_->now();
    sim_->RunUntilIdle();
    EXPECT_TRUE(handle.finished()) << "it waits for what will not come";
    EXPECT_EQ(sim_->now(), start);
    if (!handle.finished()) return absl::StatusCode::kUnknown;
    return handle.BlockingJoin().code();
  }

  int before_ = 0;
  std::optional<weft::testing::Simulator> sim_;
  std::optional<TcpListener> listener_;
  std::optional<PlainPeer> peer_;
  std::optional<TcpStream> stream_;
};

// --- It closes --------------------------------------------------------------

TEST_F(TcpPeerStatesTest, AnIdleStreamEndsWhenItIsRead) {
  peer_->Close();
  sim_->RunUntilIdle();

  auto reading = Begin(ReadToTheEnd(*stream_));

  EXPECT_EQ(EndOf(reading), kOk);
}

TEST_F(TcpPeerStatesTest, AReaderIsToldOfTheEnd) {
  auto reading = Begin(ReadToTheEnd(*stream_));
  ASSERT_FALSE(reading.finished());

  peer_->Close();

  EXPECT_EQ(EndOf(reading), kOk);
}

TEST_F(TcpPeerStatesTest, AWriterIsToldThatNobodyReads) {
  auto writing = Begin(WriteForEver(*stream_));
  ASSERT_FALSE(writing.finished());

  peer_->Close();

  EXPECT_EQ(EndOf(writing), kGone);
}

TEST_F(TcpPeerStatesTest, AReaderAndAWriterAreBothTold) {
  auto reading = Begin(ReadToTheEnd(*stream_));
  auto writing = Begin(WriteForEver(*stream_));

  // With unread bytes in its buffer: that is a reset, as RFC 2525 (2.17) has
  // it, and no end.
  peer_->Close();

  EXPECT_EQ(EndOf(writing), kGone);
  EXPECT_EQ(EndOf(reading), kGone);
}

TEST_F(TcpPeerStatesTest, AStreamThatIsShutDownReadsTheEnd) {
  ASSERT_EQ(stream_->ShutdownWrite(), absl::OkStatus());
  auto reading = Begin(ReadToTheEnd(*stream_));

  peer_->Close();

  EXPECT_EQ(EndOf(reading), kOk);
}

TEST_F(TcpPeerStatesTest, AfterTheEndAWriterIsToldWhenThePeerIsGone) {
  ASSERT_EQ(::shutdown(peer_->fd(), SHUT_WR), 0);
  auto reading = Begin(ReadToTheEnd(*stream_));
  auto writing = Begin(WriteForEver(*stream_));
  ASSERT_FALSE(writing.finished());

  peer_->Close();

  EXPECT_EQ(EndOf(reading), kOk);
  EXPECT_EQ(EndOf(writing), kGone);
}

TEST_F(TcpPeerStatesTest, BothMayCloseAtOnce) {
  auto reading = Begin(ReadToTheEnd(*stream_));
  ASSERT_EQ(stream_->ShutdownWrite(), absl::OkStatus());
  peer_->Close();

  EXPECT_EQ(EndOf(reading), kOk);
}

// --- It resets --------------------------------------------------------------

TEST_F(TcpPeerStatesTest, AnIdleStreamIsLostWhenItIsUsed) {
  peer_->Reset();
  sim_->RunUntilIdle();

  auto reading = Begin(ReadToTheEnd(*stream_));
  auto writing = Begin(WriteForEver(*stream_));

  EXPECT_EQ(EndOf(reading), kGone);
  EXPECT_EQ(EndOf(writing), kGone);
}

TEST_F(TcpPeerStatesTest, AReaderIsToldOfTheResetAgainAndAgain) {
  peer_->Reset();

  for (int i = 0; i < 3; ++i) {
    auto reading = Begin(ReadToTheEnd(*stream_));
    EXPECT_EQ(EndOf(reading), kGone);
  }
}

TEST_F(TcpPeerStatesTest, WhatCameBeforeAResetIsReadAfterAWriterWasTold) {
  ASSERT_TRUE(peer_->Send("before"));
  peer_->Reset();
  auto writing = Begin(WriteForEver(*stream_));
  ASSERT_EQ(EndOf(writing), kGone);

  std::string text;
  auto reading =
      Begin([](TcpStream& stream, std::string& got) -> Task<absl::Status> {
        got = co_await OrReturn(ReadText(stream));
        co_return co_await ReadToTheEnd(stream);
      }(*stream_, text));

  EXPECT_EQ(EndOf(reading), kGone);
  EXPECT_EQ(text, "before");
}

TEST_F(TcpPeerStatesTest, AReaderIsToldOfTheReset) {
  auto reading = Begin(ReadToTheEnd(*stream_));

  peer_->Reset();

  EXPECT_EQ(EndOf(reading), kGone);
}

TEST_F(TcpPeerStatesTest, AWriterIsToldOfTheReset) {
  auto writing = Begin(WriteForEver(*stream_));

  peer_->Reset();

  EXPECT_EQ(EndOf(writing), kGone);
}

// The system tells of a reset once, to whoever asks first, and all others that
// the stream has ended, as if all had been said.
TEST_F(TcpPeerStatesTest, AReaderAndAWriterAreBothToldOfTheReset) {
  auto reading = Begin(ReadToTheEnd(*stream_));
  auto writing = Begin(WriteForEver(*stream_));

  peer_->Reset();

  EXPECT_EQ(EndOf(writing), kGone);
  EXPECT_EQ(EndOf(reading), kGone);
}

TEST_F(TcpPeerStatesTest, AStreamThatIsShutDownIsToldOfTheReset) {
  ASSERT_EQ(stream_->ShutdownWrite(), absl::OkStatus());
  auto reading = Begin(ReadToTheEnd(*stream_));

  peer_->Reset();

  EXPECT_EQ(EndOf(reading), kGone);
}

TEST_F(TcpPeerStatesTest, AfterTheEndAWriterIsToldOfTheReset) {
  ASSERT_EQ(::shutdown(peer_->fd(), SHUT_WR), 0);
  auto reading = Begin(ReadToTheEnd(*stream_));
  auto writing = Begin(WriteForEver(*stream_));

  peer_->Reset();

  EXPECT_EQ(EndOf(reading), kOk);
  EXPECT_EQ(EndOf(writing), kGone);
}

// --- Before it is accepted --------------------------------------------------

Task<absl::Status> AcceptAndRead(TcpListener& listener, std::string& text) {
  TcpStream stream = co_await OrReturn(listener.Accept());
  text = co_await OrReturn(ReadText(stream));
  co_return absl::OkStatus();
}

TEST_F(TcpPeerStatesTest, WhoHasSpokenAndGoneBeforeTheAcceptIsHeard) {
  PlainPeer hasty(listener_->local_address());
  ASSERT_TRUE(hasty.Send("hello"));
  hasty.Close();
  std::string text;

  auto serving = Begin(AcceptAndRead(*listener_, text));

  EXPECT_EQ(EndOf(serving), kOk);
  EXPECT_EQ(text, "hello");
}

// Linux accepts what was reset, and its first read says so; the BSDs pass it
// over. Either way the next in the queue is served.
TEST_F(TcpPeerStatesTest, WhoIsResetBeforeTheAcceptKeepsNobodyFromIt) {
  PlainPeer gone(listener_->local_address());
  gone.Reset();
  PlainPeer next(listener_->local_address());
  ASSERT_TRUE(next.Send("hello"));
  std::string text;

  auto first = Begin(AcceptAndRead(*listener_, text));
  if (text.empty()) {
    EXPECT_EQ(EndOf(first), kGone);
    auto second = Begin(AcceptAndRead(*listener_, text));
    EXPECT_EQ(EndOf(second), kOk);
  }

  EXPECT_EQ(text, "hello");
}

// A connection that is in the queue of a listener that closes is reset.
TEST_F(TcpPeerStatesTest, WhoWasNotAcceptedIsResetWithTheListener) {
  auto connect = [this]() -> Task<absl::Status> {
    TcpStream client =
        co_await OrReturn(TcpStream::Connect(listener_->local_address()));
    listener_->Close();
    co_return co_await ReadToTheEnd(client);
  };

  auto connecting = Begin(connect());

  EXPECT_EQ(EndOf(connecting), kGone);
}

// --- It says nothing more ---------------------------------------------------

// Half-open: the other machine is gone and nothing has told us. What bounds the
// wait is the stream's own timeouts; after them it is as good as before.
TEST_F(TcpPeerStatesTest, ASilentPeerIsGivenUpAfterTheTimeouts) {
  stream_->SetReadTimeout(absl::Seconds(10));
  stream_->SetWriteTimeout(absl::Seconds(20));
  const Instant start = sim_->now();
  auto both = [this]() -> Task<absl::Status> {
    auto [read, written] =
        co_await WhenAll(ReadToTheEnd(*stream_), WriteForEver(*stream_));
    EXPECT_EQ(read.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(written.code(), absl::StatusCode::kDeadlineExceeded);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim_->Run(both()), absl::OkStatus());

  EXPECT_GE(sim_->now() - start, absl::Seconds(20));
  EXPECT_LT(sim_->now() - start, absl::Seconds(21));
}

}  // namespace
}  // namespace weft::net
