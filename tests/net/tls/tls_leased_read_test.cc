// Tests of reading from a TlsStream into a leased buffer: what is given, and
// when a buffer is held.
//
// SPDX-License-Identifier: MIT

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/leased_read.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/one_buffer.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

static_assert(LeasingSource<MemoryTls>);
static_assert(LeasingSource<TlsStream<TcpStream>&>);

Task<absl::StatusOr<TlsPair<MemoryStream>>> FreshPair() {
  const Authority authority;
  co_return co_await MemoryPair(ClientOf(authority), ServerOf(authority));
}

TEST(TlsLeasedReadTest, GivesWhatIsThereAndThenTheEnd) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("hello")));
    co_await OrReturn(pair.client.Shutdown());
    const OneBuffer buffer;

    LeasedBytes hello = co_await OrReturn(pair.server.ReadSome());
    const bool leased = buffer.is_leased();
    const std::string text = Text(hello.bytes());
    hello = co_await OrReturn(pair.server.ReadSome());

    EXPECT_EQ(text, "hello");
    EXPECT_TRUE(leased);
    EXPECT_TRUE(hello.empty());
    EXPECT_FALSE(buffer.is_leased());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsLeasedReadTest, GivesTheLargestRecordAtOnce) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Pattern(16384)));

    const LeasedBytes got = co_await OrReturn(pair.server.ReadSome());

    EXPECT_EQ(got.bytes().size(), 16384u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsLeasedReadTest, SaysThatAConnectionWasCutOff) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    const OneBuffer buffer;
    pair.client.transport().Close();

    const auto cut = co_await pair.server.ReadSome();

    EXPECT_TRUE(absl::IsDataLoss(cut.status())) << cut.status();
    EXPECT_FALSE(buffer.is_leased());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsLeasedReadTest, LosesNoByteToACancellation) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());

    const absl::StatusOr<std::string> late =
        co_await WithTimeout(absl::Seconds(1), ReadOnce(pair.server));
    co_await OrReturn(pair.client.WriteAll(Bytes("all of it")));
    const std::string text = co_await OrReturn(ReadOnce(pair.server));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    EXPECT_EQ(text, "all of it");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- While it waits ---------------------------------------------------------

// Two ends whose tasks the test starts and looks at.
class TlsWaitingTest : public ::testing::Test {
 protected:
  TlsWaitingTest() {
    const auto connect = [this]() -> Task<absl::Status> {
      pair_.emplace(co_await OrReturn(FreshPair()));
      co_return absl::OkStatus();
    };
    EXPECT_EQ(sim_.Run(connect()), absl::OkStatus());
  }

  void Write(std::string_view text) {
    EXPECT_EQ(sim_.Run(pair_->client.WriteAll(Bytes(text))), absl::OkStatus());
    sim_.RunUntilIdle();
  }

  std::optional<TlsPair<MemoryStream>> pair_;
  weft::testing::Simulator sim_;
};

TEST_F(TlsWaitingTest, AnIdleBufferedReaderHoldsNoBuffer) {
  std::vector<std::string> got;
  const OneBuffer buffer;
  auto reading = sim_.SpawnJoinable(ReadLines<MemoryTls>,
                                    std::ref(pair_->server), std::ref(got));

  sim_.RunUntilIdle();
  const bool before = buffer.is_leased();
  Write("li");
  const bool in_the_middle = buffer.is_leased();
  Write("ne\n");
  const bool afterwards = buffer.is_leased();
  pair_->client.transport().Close();
  sim_.RunUntilIdle();

  EXPECT_FALSE(before);
  EXPECT_TRUE(in_the_middle);
  EXPECT_FALSE(afterwards);
  EXPECT_EQ(got, std::vector<std::string>{"line"});
  ASSERT_TRUE(reading.finished());
  EXPECT_TRUE(absl::IsDataLoss(reading.BlockingJoin()));
}

// A record is whole before there is plain text to give.
TEST_F(TlsWaitingTest, HalfOfARecordTakesNoBuffer) {
  auto reader =
      sim_.SpawnJoinable(ReadOnce<MemoryTls>, std::ref(pair_->server));
  const OneBuffer buffer;
  // The header and a little, of a record that nobody sends the rest of.
  const std::string_view half(
      "\x17\x03\x03\x00\x20"
      "abc",
      8);

  const absl::Status sent =
      sim_.Run(WriteAll(pair_->client.transport(), Bytes(half)));
  sim_.RunUntilIdle();
  const bool leased = buffer.is_leased();
  pair_->client.transport().Close();
  sim_.RunUntilIdle();

  EXPECT_EQ(sent, absl::OkStatus());
  EXPECT_FALSE(leased);
  ASSERT_TRUE(reader.finished());
  EXPECT_TRUE(absl::IsDataLoss(reader.BlockingJoin().status()));
}

}  // namespace
}  // namespace weft::net::tls
