// What reading from any ByteStream keeps (net/stream.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_READING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_READING_CONFORMANCE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
class StreamReadTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(StreamReadTest);

TYPED_TEST_P(StreamReadTest, ReadsWhatIsThere) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("there")));
    co_await OrReturn(WriteAll(pair.server, Bytes("and back")));
    const std::string there = co_await OrReturn(ReadText(pair.server));
    const std::string back = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(there, "there");
    EXPECT_EQ(back, "and back");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, WaitsForWhatIsWrittenLater) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !reader.finished();

    co_await OrReturn(WriteAll(pair.client, Bytes("later")));
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_TRUE(waited);
    EXPECT_EQ(text, "later");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, GivesALongMessageInSmallPieces) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(1000);
    co_await OrReturn(WriteAll(pair.client, sent));
    std::vector<std::byte> got;
    std::array<std::byte, 3> buffer;

    while (got.size() < sent.size()) {
      const std::size_t count = co_await OrReturn(pair.server.Read(buffer));
      EXPECT_GE(count, 1u);
      EXPECT_LE(count, buffer.size());
      got.insert(got.end(), buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(count));
    }

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, AnswersAQuestionAgainAndAgain) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    for (int round = 0; round < 50; ++round) {
      const std::string question(static_cast<std::size_t>(round + 1), 'q');
      co_await OrReturn(WriteAll(pair.client, Bytes(question)));
      std::string heard = co_await OrReturn(ReadText(pair.server));
      EXPECT_EQ(heard, question);
      co_await OrReturn(WriteAll(pair.server, Bytes(heard)));
      heard = co_await OrReturn(ReadText(pair.client));
      EXPECT_EQ(heard, question);
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- No room ----------------------------------------------------------------

TYPED_TEST_P(StreamReadTest, ReadsIntoNothingWithoutWaiting) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::size_t got = co_await OrReturn(pair.client.Read({}));

    EXPECT_EQ(got, 0u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, TakesNothingWhereThereIsNoRoom) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("first")));
    const std::string first = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(WriteAll(pair.client, Bytes("second")));

    // The read before was short, and so the next one waits for an event: this
    // must not use it up.
    const std::size_t got = co_await OrReturn(pair.server.Read({}));
    const std::string second = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(first, "first");
    EXPECT_EQ(got, 0u);
    EXPECT_EQ(second, "second");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, FillsNoBufferWithoutWaiting) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_return co_await ReadExactly(pair.client, {});
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- The end of the stream --------------------------------------------------

TYPED_TEST_P(StreamReadTest, ReadsZeroAtTheEndAgainAndAgain) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(TypeParam::End(pair.server));

    for (int time = 0; time < 3; ++time) {
      const std::string end = co_await OrReturn(ReadText(pair.client));
      EXPECT_EQ(end, "");
    }
    const std::size_t no_room = co_await OrReturn(pair.client.Read({}));

    EXPECT_EQ(no_room, 0u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, ReadsAllThatCameBeforeTheEnd) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(10'000);
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, sent));

    const std::vector<std::byte> got = co_await OrReturn(ReadAll(pair.server));

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, WakesAReaderAtTheEnd) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
    co_await OrReturn(SleepFor(kAWhile));

    co_await OrReturn(TypeParam::End(pair.client));
    const std::string end = co_await OrReturn(reader.Join());

    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- ReadExactly ------------------------------------------------------------

TYPED_TEST_P(StreamReadTest, FillsABufferThatComesInPieces) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(300'000);
    auto writer = Spawn(WriteAllThenEnd<TypeParam>, std::ref(pair.client),
                        std::span<const std::byte>(sent));
    std::vector<std::byte> got(sent.size());

    co_await OrReturn(ReadExactly(pair.server, got));
    co_await OrReturn(writer.Join());

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamReadTest, TellsAnEndBeforeTheFirstByteFromOneAfterSome) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, Bytes("abc")));
    std::array<std::byte, 2> two;

    const absl::Status whole = co_await ReadExactly(pair.server, two);
    const absl::Status half = co_await ReadExactly(pair.server, two);
    const absl::Status none = co_await ReadExactly(pair.server, two);

    EXPECT_EQ(whole, absl::OkStatus());
    EXPECT_EQ(half.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(none.code(), absl::StatusCode::kOutOfRange);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(
    StreamReadTest, ReadsWhatIsThere, WaitsForWhatIsWrittenLater,
    GivesALongMessageInSmallPieces, AnswersAQuestionAgainAndAgain,
    ReadsIntoNothingWithoutWaiting, TakesNothingWhereThereIsNoRoom,
    FillsNoBufferWithoutWaiting, ReadsZeroAtTheEndAgainAndAgain,
    ReadsAllThatCameBeforeTheEnd, WakesAReaderAtTheEnd,
    FillsABufferThatComesInPieces,
    TellsAnEndBeforeTheFirstByteFromOneAfterSome);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_READING_CONFORMANCE_H_
