// What any ByteStream keeps at its end: ends that are said, streams that are
// closed by their owner, and peers that are gone. The table of net/README.md,
// "What happened, and what you get", as tests.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_ENDING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_ENDING_CONFORMANCE_H_

#include <signal.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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
class StreamEndTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(StreamEndTest);

// --- One direction ends -----------------------------------------------------

TYPED_TEST_P(StreamEndTest, EndsOneDirectionAndThenTheOther) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(
        WriteAllThenEnd<TypeParam>(pair.client, Bytes("question")));
    const std::vector<std::byte> question =
        co_await OrReturn(ReadAll(pair.server));
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.server, Bytes("answer")));
    const std::vector<std::byte> answer =
        co_await OrReturn(ReadAll(pair.client));

    EXPECT_EQ(Text(question), "question");
    EXPECT_EQ(Text(answer), "answer");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, CannotWriteAfterItsOwnEnd) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(TypeParam::End(pair.client));

    const std::array parts = {Bytes("one"), Bytes("two")};
    const auto written = co_await pair.client.Write(Bytes("more"));
    const auto pieces = co_await pair.client.WriteVectored(parts);

    EXPECT_EQ(written.status().code(), TypeParam::kWriteAfterEnd);
    EXPECT_EQ(pieces.status().code(), TypeParam::kWriteAfterEnd);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- The peer is gone -------------------------------------------------------

// How a read ended.
template <typename Kind>
void ExpectEndOfClosed(const absl::StatusOr<std::string>& read) {
  EXPECT_EQ(read.status().code(), Kind::kReadAfterClose) << read.status();
  EXPECT_EQ(read.value_or(""), "");
}

TYPED_TEST_P(StreamEndTest, ReadsWhatThePeerHasWrittenBeforeItClosed) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.server, Bytes("last words")));
    TypeParam::Close(pair.server);

    const std::string text = co_await OrReturn(ReadText(pair.client));
    const absl::StatusOr<std::string> end = co_await ReadText(pair.client);
    const absl::StatusOr<std::string> again = co_await ReadText(pair.client);

    EXPECT_EQ(text, "last words");
    ExpectEndOfClosed<TypeParam>(end);
    ExpectEndOfClosed<TypeParam>(again);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, WakesAReaderWhosePeerCloses) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    co_await OrReturn(SleepFor(kAWhile));

    TypeParam::Close(pair.server);
    const absl::StatusOr<std::string> end = co_await reader.Join();

    ExpectEndOfClosed<TypeParam>(end);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, WakesAWriterWhosePeerCloses) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));

    TypeParam::Close(pair.server);
    const absl::Status gone = co_await writer.Join();

    EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable) << gone;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, SaysThatThePeerIsGoneAndRaisesNoSignal) {
  struct sigaction action{};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &action), 0);
  ASSERT_EQ(action.sa_handler, SIG_DFL);
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    TypeParam::Close(pair.server);
    std::size_t taken = 0;
    co_return co_await FillUp(pair.client, taken);
  };

  EXPECT_EQ(this->Run(body).code(), absl::StatusCode::kUnavailable);
}

TYPED_TEST_P(StreamEndTest, WritesSeveralPiecesToAGonePeerWithoutASignal) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    TypeParam::Close(pair.server);
    const std::array parts = {Bytes("one"), Bytes("two")};
    for (;;) co_await OrReturn(pair.client.WriteVectored(parts));
  };

  EXPECT_EQ(this->Run(body).code(), absl::StatusCode::kUnavailable);
}

// A close that leaves something unread is a reset to some kinds (RFC 2525,
// 2.17). Whichever, both directions come to an end.
TYPED_TEST_P(StreamEndTest, EndsBothWaysWhenThePeerHasNotReadAll) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("unread")));
    co_await OrReturn(SleepFor(kAWhile));
    TypeParam::Close(pair.server);

    const absl::StatusOr<std::string> read = co_await ReadText(pair.client);
    std::size_t taken = 0;
    const absl::Status written = co_await FillUp(pair.client, taken);

    EXPECT_EQ(read.value_or(""), "");
    EXPECT_TRUE(read.status().code() == TypeParam::kReadAfterClose ||
                absl::IsUnavailable(read.status()))
        << read.status();
    EXPECT_EQ(written.code(), absl::StatusCode::kUnavailable);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, EndsForThePeerWhenItIsDestroyed) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    {
      const typename TypeParam::Stream short_lived = std::move(pair.server);
    }

    const absl::StatusOr<std::string> end = co_await ReadText(pair.client);

    ExpectEndOfClosed<TypeParam>(end);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, IsTheSameWhereItIsMovedTo) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("one")));
    typename TypeParam::Stream elsewhere = std::move(pair.server);

    const std::string one = co_await OrReturn(ReadText(elsewhere));
    co_await OrReturn(WriteAll(elsewhere, Bytes("two")));
    const std::string two = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(one, "one");
    EXPECT_EQ(two, "two");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- Its owner closes it ----------------------------------------------------

TYPED_TEST_P(StreamEndTest, TellsAReaderThatItsOwnerHasClosedIt) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    co_await OrReturn(SleepFor(kAWhile));

    TypeParam::Close(pair.client);
    const absl::StatusOr<std::string> closed = co_await reader.Join();

    EXPECT_EQ(closed.status().code(), absl::StatusCode::kFailedPrecondition)
        << closed.status();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, TellsAWriterThatItsOwnerHasClosedIt) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));

    TypeParam::Close(pair.client);
    const absl::Status closed = co_await writer.Join();

    EXPECT_EQ(closed.code(), absl::StatusCode::kFailedPrecondition) << closed;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, TellsBothWhoWaitThatItsOwnerHasClosedIt) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));

    TypeParam::Close(pair.client);
    const absl::StatusOr<std::string> read = co_await reader.Join();
    const absl::Status written = co_await writer.Join();

    EXPECT_TRUE(absl::IsFailedPrecondition(read.status())) << read.status();
    EXPECT_TRUE(absl::IsFailedPrecondition(written)) << written;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamEndTest, DoesNothingMoreOnceItIsClosed) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.server, Bytes("never read")));
    TypeParam::Close(pair.client);
    TypeParam::Close(pair.client);

    const std::array parts = {Bytes("one"), Bytes("two")};
    const absl::StatusOr<std::string> read = co_await ReadText(pair.client);
    const auto written = co_await pair.client.Write(Bytes("x"));
    const auto pieces = co_await pair.client.WriteVectored(parts);
    const absl::Status all = co_await WriteAll(pair.client, Bytes("x"));

    EXPECT_TRUE(absl::IsFailedPrecondition(read.status())) << read.status();
    EXPECT_TRUE(absl::IsFailedPrecondition(written.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(pieces.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(all));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(
    StreamEndTest, EndsOneDirectionAndThenTheOther, CannotWriteAfterItsOwnEnd,
    ReadsWhatThePeerHasWrittenBeforeItClosed, WakesAReaderWhosePeerCloses,
    WakesAWriterWhosePeerCloses, SaysThatThePeerIsGoneAndRaisesNoSignal,
    WritesSeveralPiecesToAGonePeerWithoutASignal,
    EndsBothWaysWhenThePeerHasNotReadAll, EndsForThePeerWhenItIsDestroyed,
    IsTheSameWhereItIsMovedTo, TellsAReaderThatItsOwnerHasClosedIt,
    TellsAWriterThatItsOwnerHasClosedIt,
    TellsBothWhoWaitThatItsOwnerHasClosedIt, DoesNothingMoreOnceItIsClosed);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_ENDING_CONFORMANCE_H_
