// Tests of TlsStream after the handshake: reading, writing, and the end.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_stream.h"

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/one_buffer.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

static_assert(ByteStream<TlsStream<MemoryStream>>);
static_assert(ByteStream<TlsStream<TcpStream>>);
static_assert(ByteStream<TlsStream<UnixStream>>);
static_assert(ByteStream<TlsStream<TlsStream<TcpStream>>>);

Task<absl::StatusOr<TlsPair<MemoryStream>>> FreshPair() {
  const Authority authority;
  co_return co_await MemoryPair(ClientOf(authority), ServerOf(authority));
}

Task<absl::StatusOr<TlsPair<MemoryStream>>> SmallPair(std::size_t capacity) {
  const Authority authority;
  auto [one, other] = MakeMemoryPipe(capacity);
  co_return co_await PairOver(std::move(one), std::move(other),
                              ClientOf(authority), ServerOf(authority));
}

TEST(TlsStreamTest, CarriesWhatIsWritten) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());

    co_await OrReturn(pair.client.WriteAll(Bytes("question")));
    const std::string question = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(pair.server.WriteAll(Bytes("answer")));
    const std::string answer = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(question, "question");
    EXPECT_EQ(answer, "answer");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, WritesPiecesAsIfTheyWereOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    const std::array<std::span<const std::byte>, 3> parts = {
        Bytes("head"), Bytes(""), Bytes("body")};

    const std::size_t taken =
        co_await OrReturn(pair.client.WriteVectored(parts));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(taken, 8u);
    EXPECT_EQ(text, "headbody");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, ReadsAndWritesNothingWithoutAsking) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());

    const std::size_t read = co_await OrReturn(pair.client.Read({}));
    const std::size_t written = co_await OrReturn(pair.client.Write({}));

    EXPECT_EQ(read, 0u);
    EXPECT_EQ(written, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// A record that is read in pieces stays in the engine.
TEST(TlsStreamTest, GivesALargeRecordToSmallReads) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("abcdef")));
    std::array<std::byte, 2> piece;
    std::string text;

    for (int i = 0; i < 3; ++i) {
      const std::size_t got = co_await OrReturn(pair.server.Read(piece));
      text += Text(std::span(piece).first(got));
    }

    EXPECT_EQ(text, "abcdef");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Much, and slowly -------------------------------------------------------

template <typename S>
Task<absl::Status> SendPattern(TlsStream<S>& stream, std::size_t size) {
  const std::vector<std::byte> bytes = Pattern(size);
  co_await OrReturn(stream.WriteAll(bytes));
  co_return co_await stream.Shutdown();
}

// Both ends send and receive at the same time.
template <typename S>
Task<absl::Status> TalkBothWays(TlsPair<S>& pair, std::size_t size) {
  auto all = co_await WhenAll(SendPattern(pair.client, size),
                              SendPattern(pair.server, size),
                              ReadAll(pair.client), ReadAll(pair.server));
  co_await OrReturn(std::get<0>(std::move(all)));
  co_await OrReturn(std::get<1>(std::move(all)));
  const auto at_client = co_await OrReturn(std::get<2>(std::move(all)));
  const auto at_server = co_await OrReturn(std::get<3>(std::move(all)));
  EXPECT_EQ(at_client, Pattern(size));
  EXPECT_EQ(at_server, Pattern(size));
  co_return absl::OkStatus();
}

TEST(TlsStreamTest, CarriesMuchBothWaysAtTheSameTime) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_return co_await TalkBothWays(pair, 3'000'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, CarriesMuchBothWaysInTheOlderVersionToo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    const TlsContext server = MustMake(TlsContext::Server(
        {.identity = authority.Issue(), .max_version = TlsVersion::kTls12}));
    auto pair = co_await OrReturn(MemoryPair(ClientOf(authority), server));
    co_return co_await TalkBothWays(pair, 300'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, CarriesMuchBothWaysOverTcp) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    TcpPair tcp = co_await OrReturn(ConnectPair());
    auto pair =
        co_await OrReturn(PairOver(std::move(tcp.client), std::move(tcp.server),
                                   ClientOf(authority), ServerOf(authority)));
    co_return co_await TalkBothWays(pair, 3'000'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, CarriesMuchThroughAPipeThatHoldsLittle) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(SmallPair(3000));
    co_return co_await TalkBothWays(pair, 100'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, WorksOneByteAtATimeFromTheHandshakeOn) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [one, other] = MakeMemoryPipe();
    one.SetLargestRead(1);
    one.SetLargestWrite(1);
    other.SetLargestRead(1);
    other.SetLargestWrite(1);
    auto pair =
        co_await OrReturn(PairOver(std::move(one), std::move(other),
                                   ClientOf(authority), ServerOf(authority)));
    co_return co_await TalkBothWays(pair, 5000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// A stream of the least that there has to be: it cannot be tried.
class Untried {
 public:
  explicit Untried(MemoryStream stream) : stream_(std::move(stream)) {}

  auto Read(std::span<std::byte> into) { return stream_.Read(into); }
  auto Write(std::span<const std::byte> from) { return stream_.Write(from); }
  auto WriteVectored(ByteParts parts) { return stream_.WriteVectored(parts); }

 private:
  MemoryStream stream_;
};

TEST(TlsStreamTest, CarriesMuchOverAStreamThatCannotBeTried) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [one, other] = MakeMemoryPipe();
    auto pair = co_await OrReturn(
        PairOver(Untried(std::move(one)), Untried(std::move(other)),
                 ClientOf(authority), ServerOf(authority)));
    co_return co_await TalkBothWays(pair, 1'000'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<> CountTurns(int& turns, const bool& over) {
  while (!over) {
    ++turns;
    co_await Yield();
  }
}

TEST(TlsStreamTest, LetsOthersRunWhileItReadsWhatIsThere) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    constexpr int kRecords = 5000;
    auto pair = co_await OrReturn(SmallPair(1 << 20));
    for (int i = 0; i < kRecords; ++i) {
      co_await OrReturn(pair.client.WriteAll(Bytes("x")));
    }
    int turns = 0;
    bool over = false;
    auto other = Spawn(CountTurns, std::ref(turns), std::cref(over));

    for (int i = 0; i < kRecords; ++i) {
      const std::string text = co_await OrReturn(ReadText(pair.server));
      EXPECT_EQ(text, "x");
    }
    const int turns_meanwhile = turns;
    over = true;
    co_await OrReturn(other.Join());

    EXPECT_GE(turns_meanwhile, 10);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, GivesWhatCameBeforeTheTransportFailed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("before")));
    co_await OrReturn(pair.client.WriteAll(Bytes("cut short")));
    // The first record, and a little of the second.
    pair.server.transport().FailReadsAfter(40, absl::InternalError("gone"));

    const std::string before = co_await OrReturn(ReadText(pair.server));
    const auto after = co_await ReadText(pair.server);
    const auto again = co_await ReadText(pair.server);

    EXPECT_EQ(before, "before");
    EXPECT_EQ(after.status(), absl::InternalError("gone"));
    EXPECT_EQ(again.status(), absl::InternalError("gone"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, LetsSeveralTasksWriteAtTheSameTime) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(SmallPair(3000));
    const std::vector<std::byte> same(20'000, std::byte{'x'});
    std::vector<std::byte> got(3 * same.size());

    auto all = co_await WhenAll(
        pair.client.WriteAll(same), pair.client.WriteAll(same),
        pair.client.WriteAll(same), ReadExactly(pair.server, got));

    EXPECT_EQ(std::get<3>(all), absl::OkStatus());
    EXPECT_EQ(got, std::vector<std::byte>(got.size(), std::byte{'x'}));
    co_return std::get<0>(std::move(all));
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, RunsInsideItself) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto outer = co_await OrReturn(FreshPair());
    auto inner = co_await OrReturn(
        PairOver(std::move(outer.client), std::move(outer.server),
                 ClientOf(authority), ServerOf(authority)));
    co_return co_await TalkBothWays(inner, 50'000);
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- The end ----------------------------------------------------------------

TEST(TlsStreamTest, ReadsTheEndThatThePeerHasSaid) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("last words")));
    co_await OrReturn(pair.client.Shutdown());
    co_await OrReturn(pair.client.Shutdown());

    const std::string words = co_await OrReturn(ReadText(pair.server));
    const std::string end = co_await OrReturn(ReadText(pair.server));
    const std::string again = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(words, "last words");
    EXPECT_EQ(end, "");
    EXPECT_EQ(again, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, GoesOnReadingAfterItsOwnEnd) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.Shutdown());
    const std::string end = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(pair.server.WriteAll(Bytes("still here")));
    co_await OrReturn(pair.server.Shutdown());

    const std::string words = co_await OrReturn(ReadText(pair.client));
    const std::string its_end = co_await OrReturn(ReadText(pair.client));
    auto written = co_await pair.client.Write(Bytes("too late"));

    EXPECT_EQ(end, "");
    EXPECT_EQ(words, "still here");
    EXPECT_EQ(its_end, "");
    EXPECT_EQ(written.status().code(), StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, DoesNotTakeATruncationForTheEnd) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("half a sen")));
    pair.client.transport().Close();

    const std::string words = co_await OrReturn(ReadText(pair.server));
    auto end = co_await ReadText(pair.server);
    auto again = co_await ReadText(pair.server);

    EXPECT_EQ(words, "half a sen");
    EXPECT_EQ(end.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(end.status().message()), HasSubstr("truncated"));
    EXPECT_EQ(again.status(), end.status());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// A record of the outer type 23 whose contents nobody has encrypted.
constexpr std::string_view kForged(
    "\x17\x03\x03\x00\x20"
    "abcdefghijklmnopqrstuvwxyz012345",
    37);

TEST(TlsStreamTest, GivesNothingOfARecordThatWasChangedOnTheWay) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    co_await OrReturn(WriteAll(pair.client.transport(), Bytes(kForged)));

    auto read = co_await ReadText(pair.server);
    auto again = co_await ReadText(pair.server);
    auto written = co_await pair.server.Write(Bytes("x"));

    EXPECT_EQ(read.status().code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("bad record"));
    EXPECT_EQ(again.status(), read.status());
    EXPECT_EQ(written.status(), read.status());
    // The peer is told.
    auto at_client = co_await ReadText(pair.client);
    EXPECT_EQ(at_client.status().code(), StatusCode::kUnavailable);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

using ReadsText = Task<absl::StatusOr<std::string>> (*)(MemoryTls&);

Task<absl::Status> FailToRead(ReadsText read) {
  auto pair = co_await OrReturn(SmallPair(3000));
  const std::vector<std::byte> much(20'000);
  const absl::Status late =
      co_await WithTimeout(absl::Seconds(1), pair.client.WriteAll(much));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  co_await OrReturn(WriteAll(pair.server.transport(), Bytes(kForged)));

  auto reading = Spawn(read, std::ref(pair.client));
  co_await OrReturn(SleepFor(absl::Seconds(1)));
  const bool at_once = reading.finished();
  auto [flushed, heard] =
      co_await WhenAll(pair.client.Flush(), ReadAll(pair.server));
  const auto got = co_await reading.Join();

  EXPECT_TRUE(at_once);
  EXPECT_TRUE(absl::IsDataLoss(got.status())) << got.status();
  // And the reason is still told, behind what was to be sent before.
  EXPECT_EQ(flushed, absl::OkStatus());
  EXPECT_TRUE(absl::IsUnavailable(heard.status())) << heard.status();
  EXPECT_THAT(std::string(heard.status().message()), HasSubstr("bad record"));
  co_return absl::OkStatus();
}

TEST(TlsStreamTest, AReadThatFailsDoesNotWaitForThePeerToHearWhy) {
  EXPECT_EQ(Simulate({}, FailToRead, ReadText<MemoryTls>), absl::OkStatus());
  EXPECT_EQ(Simulate({}, FailToRead, ReadOnce<MemoryTls>), absl::OkStatus());
}

TEST(TlsStreamTest, PassesOnWhatTheTransportReports) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.client.transport().FailReadsAfter(0, absl::InternalError("read"));
    pair.client.transport().FailWritesAfter(0, absl::InternalError("write"));

    auto read = co_await ReadText(pair.client);
    auto written = co_await pair.client.Write(Bytes("x"));

    EXPECT_EQ(read.status(), absl::InternalError("read"));
    EXPECT_EQ(written.status(), absl::InternalError("write"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsStreamTest, WakesAReaderWhoseTransportIsClosed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    auto reader = Spawn(ReadText<MemoryTls>, std::ref(pair.client));
    co_await Yield();

    pair.client.transport().Close();
    auto read = co_await reader.Join();

    EXPECT_EQ(read.status().code(), StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net::tls
