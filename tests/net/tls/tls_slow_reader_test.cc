// What a TLS peer costs that does not read, or makes us answer and does not
// read that: what the system keeps for it, and a few records of ours. A program
// of its own, which counts what is allocated (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/leased_read.h"
#include "weft/net/memory_stream.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/bare_client.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"
#include "weft/tests/support/allocations.h"

namespace weft::net::tls {
namespace {

using TcpTls = TlsStream<TcpStream>;
using tests::LiveBytes;

// What may be held at either end: four records, and what is around them.
constexpr long kFewRecords = 256 * 1024;

// --- Answers that nobody takes ----------------------------------------------

// A server that reads, and a client of bare OpenSSL, with a pipe between them.
class TlsBacklogTest : public ::testing::Test {
 protected:
  TlsBacklogTest() {
    auto [one, other] = MakeMemoryPipe();
    wire_.emplace(std::move(one));
    serving_ = sim_.SpawnJoinable(
        Serve(std::move(other), ServerOf(authority_), heard_));
    for (bool done = false; !done;) {
      done = client_.ShakeHands();
      SendAll();
      TakeAll();
    }
    TakeAll();  // The tickets.
  }
  ~TlsBacklogTest() override {
    wire_->Close();
    sim_.RunUntilIdle();
  }

  static Task<absl::Status> Serve(MemoryStream transport, TlsContext context,
                                  std::string& heard) {
    auto stream =
        co_await OrReturn(MemoryTls::Accept(std::move(transport), context));
    for (;;) {
      const std::string text = co_await OrReturn(ReadText(stream));
      if (text.empty()) co_return absl::OkStatus();
      heard += text;
    }
  }

  // Sends what the client has to say, as far as the server takes it, and gives
  // whether that was all.
  bool SendAll() {
    for (;;) {
      if (unsent_.empty()) {
        unsent_.resize(4096);
        unsent_.resize(client_.Give(unsent_));
        if (unsent_.empty()) return true;
      }
      const Tried taken = wire_->TryWrite(unsent_);
      sim_.RunUntilIdle();
      if (!taken.has_value()) return false;
      const auto count = static_cast<std::ptrdiff_t>(taken->value());
      unsent_.erase(unsent_.begin(), unsent_.begin() + count);
    }
  }

  // The client takes what the server has sent, and gives how much that was.
  std::size_t TakeAll() {
    std::array<std::byte, 4096> buffer;
    std::size_t all = 0;
    for (;;) {
      const Tried got = wire_->TryRead(buffer);
      if (!got.has_value()) return all;
      client_.Take(std::span(buffer).first(got->value()));
      all += got->value();
      sim_.RunUntilIdle();
    }
  }

  // Has the client ask for new keys until its questions are not taken. How many
  // it has asked.
  int AskUntilStuck(int most) {
    int asked = 0;
    while (asked < most) {
      client_.ChangeKeys(/*times=*/100, SSL_KEY_UPDATE_REQUESTED);
      asked += 100;
      if (!SendAll()) break;
    }
    return asked;
  }

  weft::testing::Simulator sim_;
  Authority authority_;
  std::optional<MemoryStream> wire_;
  BareClient client_{ClientOf(authority_)};
  std::vector<std::byte> unsent_;
  std::string heard_;
  std::optional<JoinHandle<absl::Status>> serving_;
};

TEST_F(TlsBacklogTest, IsNotReadFromWhileItDoesNotTakeItsAnswers) {
  constexpr int kMost = 100'000;

  const int asked = AskUntilStuck(kMost);

  EXPECT_LT(asked, kMost);
  EXPECT_FALSE(serving_->finished());
}

TEST_F(TlsBacklogTest, CostsLittleMemoryHoweverMuchItAsks) {
  const long before = LiveBytes();

  AskUntilStuck(100'000);

  EXPECT_LT(LiveBytes() - before, kFewRecords);
}

TEST_F(TlsBacklogTest, IsReadFromAgainWhenItHasTakenThem) {
  AskUntilStuck(100'000);
  client_.Write("and now");

  const std::size_t answers = TakeAll();
  while (!SendAll()) TakeAll();

  EXPECT_GT(answers, 16384u);
  EXPECT_EQ(heard_, "and now");
  EXPECT_EQ(client_.Read(), "");  // The answers were right.
}

// --- Text that nobody takes -------------------------------------------------

// Not allocated, lest it be counted.
constexpr std::array<std::byte, 1 << 20> kMuch{};

Task<absl::Status> SendForEver(TcpTls stream) {
  for (;;) {
    co_await OrReturn(stream.WriteAll(kMuch));
  }
}

Task<absl::Status> SendPieceByPiece(TcpTls stream) {
  const std::array<std::byte, 1000> piece{};
  for (;;) {
    co_await OrReturn(stream.WriteAll(piece));
  }
}

Task<absl::Status> Echo(TcpTls stream) {
  for (;;) {
    const LeasedBytes bytes = co_await OrReturn(stream.ReadSome());
    if (bytes.empty()) co_return absl::OkStatus();
    co_await OrReturn(stream.WriteAll(bytes.bytes()));
  }
}

using Handler = Task<absl::Status> (*)(TcpTls);

// A server, and a client that says what the handler may want to hear.
class TlsSlowReaderTest : public ::testing::TestWithParam<Handler> {
 protected:
  void SetUp() override {
    ASSERT_EQ(sim_.Run(Start()), absl::OkStatus());
    sim_.Spawn(server_->Run());
    ASSERT_EQ(sim_.Run(Connect()), absl::OkStatus());
    sim_.Spawn(Talk(*client_));
  }
  void TearDown() override {
    server_->Drain();
    sim_.CancelAll();
    sim_.RunUntilIdle();
    client_.reset();
    server_.reset();
  }

  Task<absl::Status> Start() {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    ServerOptions options;
    options.write_timeout = absl::Minutes(10);
    auto serve = [context = ServerOf(authority_),
                  handler = GetParam()](TcpStream tcp) {
      return Serve(std::move(tcp), context, handler);
    };
    server_.emplace(std::move(listener), std::move(serve), std::move(options));
    co_return absl::OkStatus();
  }
  static Task<absl::Status> Serve(TcpStream tcp, const TlsContext& context,
                                  Handler handler) {
    TcpTls stream = co_await OrReturn(TcpTls::Accept(std::move(tcp), context));
    co_return co_await handler(std::move(stream));
  }
  Task<absl::Status> Connect() {
    TcpStream tcp = co_await OrReturn(
        TcpStream::Connect(server_->listener().local_address()));
    const TlsContext context = ClientOf(authority_);
    client_.emplace(co_await OrReturn(
        TcpTls::Connect(std::move(tcp), context, "localhost")));
    co_return absl::OkStatus();
  }
  static Task<absl::Status> Talk(TcpTls& client) {
    for (;;) {
      co_await OrReturn(client.WriteAll(kMuch));
    }
  }

  Task<absl::Status> ReadALittle() {
    std::array<std::byte, 5000> buffer;
    const auto got = co_await client_->Read(buffer);
    co_return got.status();
  }

  weft::testing::Simulator sim_;
  Authority authority_;
  std::optional<Server<TcpListener>> server_;
  std::optional<TcpTls> client_;
};

INSTANTIATE_TEST_SUITE_P(Each, TlsSlowReaderTest,
                         ::testing::Values(SendForEver, SendPieceByPiece,
                                           Echo));

TEST_P(TlsSlowReaderTest, CostsLittleMemoryHoweverLongItTakes) {
  const long before = LiveBytes();
  long most = 0;

  for (int i = 0; i < 500; ++i) {
    sim_.RunFor(absl::Seconds(1));
    ASSERT_EQ(sim_.Run(ReadALittle()), absl::OkStatus());
    most = std::max(most, LiveBytes() - before);
  }

  EXPECT_LT(most, kFewRecords);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_P(TlsSlowReaderTest, IsDroppedAfterTheWriteTimeoutOfTheTransport) {
  sim_.RunFor(absl::Minutes(11));

  EXPECT_EQ(server_->connections(), 0);
}

}  // namespace
}  // namespace weft::net::tls
