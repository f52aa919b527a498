// Tests of a TlsStream whose peer has sent half a message of the handshake: a
// ticket that comes in several records. OpenSSL writes nothing before it has
// the rest, so whoever writes waits for it, whether somebody reads or not.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/bare_server.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

// A client, and a server of bare OpenSSL whose tickets have still to come.
class TlsHalfMessageTest : public ::testing::Test {
 protected:
  TlsHalfMessageTest() {
    auto [near, far] = MakeMemoryPipe();
    wire_.emplace(std::move(far));
    auto connecting = sim_.SpawnJoinable(
        MemoryTls::Connect(std::move(near), ClientOf(authority_), "localhost"));
    while (!server_.ShakeHands()) {
      for (const auto& record : server_.GiveRecords()) Send(record);
      sim_.RunUntilIdle();
      TakeAll();
    }
    client_.emplace(connecting.BlockingJoin().value());
    tickets_ = server_.GiveRecords();
    EXPECT_GT(tickets_.size(), 2u);
  }
  ~TlsHalfMessageTest() override {
    wire_->Close();
    sim_.RunUntilIdle();
  }

  void Send(std::span<const std::byte> record) {
    EXPECT_EQ(wire_->TryWrite(record).value_or(0).value_or(0), record.size());
    sim_.RunUntilIdle();
  }
  // All but the first record.
  void SendTheRest() {
    for (const auto& record : std::span(tickets_).subspan(1)) Send(record);
  }
  void TakeAll() {
    std::vector<std::byte> buffer(4096);
    for (;;) {
      const Tried got = wire_->TryRead(buffer);
      if (!got.has_value()) return;
      server_.Take(std::span(buffer).first(got->value()));
    }
  }
  std::string Heard() {
    TakeAll();
    return server_.Read();
  }

  JoinHandle<absl::StatusOr<std::string>> StartToRead() {
    auto reading = sim_.SpawnJoinable(ReadText(*client_));
    sim_.RunUntilIdle();
    return reading;
  }
  JoinHandle<absl::Status> StartToWrite() {
    auto writing = sim_.SpawnJoinable(client_->WriteAll(Bytes("request")));
    sim_.RunUntilIdle();
    return writing;
  }

  template <typename T>
  static Task<T> Join(JoinHandle<T>& task) {
    T result = co_await task.Join();
    co_return result;
  }
  template <typename T>
  T ResultOf(JoinHandle<T>& task) {
    return sim_.Run(Join(task));
  }

  weft::testing::Simulator sim_;
  Authority authority_;
  BareServer server_{ServerOf(authority_)};
  std::optional<MemoryStream> wire_;
  std::vector<std::vector<std::byte>> tickets_;
  std::optional<MemoryTls> client_;
};

TEST_F(TlsHalfMessageTest, AWriterWaitsUntilTheReaderHasTheRest) {
  auto reading = StartToRead();
  Send(tickets_[0]);
  auto writing = StartToWrite();
  EXPECT_FALSE(writing.finished());

  SendTheRest();

  EXPECT_EQ(ResultOf(writing), absl::OkStatus());
  EXPECT_EQ(Heard(), "request");
  server_.Write("answer");
  for (const auto& record : server_.GiveRecords()) Send(record);
  EXPECT_EQ(ResultOf(reading).value(), "answer");
}

TEST_F(TlsHalfMessageTest, AWriterTakesTheRestItselfWhereNobodyReads) {
  auto reading = StartToRead();
  Send(tickets_[0]);
  reading.Cancel();
  sim_.RunUntilIdle();
  auto writing = StartToWrite();
  EXPECT_FALSE(writing.finished());

  SendTheRest();

  EXPECT_EQ(ResultOf(writing), absl::OkStatus());
  EXPECT_EQ(Heard(), "request");
}

TEST_F(TlsHalfMessageTest, AReaderWaitsForAWriterThatTakesTheRest) {
  auto first = StartToRead();
  Send(tickets_[0]);
  first.Cancel();
  sim_.RunUntilIdle();
  auto writing = StartToWrite();
  auto reading = StartToRead();

  SendTheRest();
  server_.Write("answer");
  for (const auto& record : server_.GiveRecords()) Send(record);

  EXPECT_EQ(ResultOf(writing), absl::OkStatus());
  EXPECT_EQ(ResultOf(reading).value(), "answer");
}

TEST_F(TlsHalfMessageTest, AWriterThatIsCancelledHasWrittenNothing) {
  auto reading = StartToRead();
  Send(tickets_[0]);
  auto writing = StartToWrite();
  writing.Cancel();
  sim_.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(ResultOf(writing)));

  SendTheRest();

  EXPECT_EQ(Heard(), "");
  auto again = StartToWrite();
  EXPECT_EQ(ResultOf(again), absl::OkStatus());
  EXPECT_EQ(Heard(), "request");
}

TEST_F(TlsHalfMessageTest, AShutdownIsSaidBehindIt) {
  auto reading = StartToRead();
  Send(tickets_[0]);
  auto ending = sim_.SpawnJoinable(client_->Shutdown());
  sim_.RunUntilIdle();
  EXPECT_FALSE(ending.finished());

  SendTheRest();

  EXPECT_EQ(ResultOf(ending), absl::OkStatus());
  EXPECT_EQ(Heard(), "");
  EXPECT_TRUE(server_.HasHeardTheEnd());
}

TEST_F(TlsHalfMessageTest, WhereNoRestComesAWriterIsToldSo) {
  auto reading = StartToRead();
  Send(tickets_[0]);
  auto writing = StartToWrite();

  wire_->Close();
  sim_.RunUntilIdle();

  EXPECT_FALSE(ResultOf(reading).ok());
  EXPECT_FALSE(ResultOf(writing).ok());
}

}  // namespace
}  // namespace weft::net::tls
