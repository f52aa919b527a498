// What every stream socket can do besides what any ByteStream does
// (net/stream_socket.h): read into several pieces, look ahead, lease a buffer,
// fill one and write all without a frame; and that each direction is for one
// task.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_SOCKET_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_SOCKET_CONFORMANCE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/leased_read.h"
#include "weft/net/stream_socket.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/one_buffer.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
class SocketTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(SocketTest);

// --- Several pieces ---------------------------------------------------------

TYPED_TEST_P(SocketTest, ReadsIntoSeveralPiecesInTurn) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.client.WriteAll(Bytes("one two")));
    std::array<std::byte, 4> first;
    std::array<std::byte, 16> second;
    const std::array<std::span<std::byte>, 3> parts = {
        first, std::span<std::byte>(), second};

    const std::size_t got = co_await OrReturn(pair.server.ReadVectored(parts));

    EXPECT_EQ(got, 7u);
    EXPECT_EQ(Text(first), "one ");
    EXPECT_EQ(Text(std::span(second).first(3)), "two");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, AVectoredReadOfNoRoomDoesNotWait) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::array<std::span<std::byte>, 1> empty = {};

    const std::size_t none = co_await OrReturn(pair.server.ReadVectored({}));
    const std::size_t of_empty =
        co_await OrReturn(pair.server.ReadVectored(empty));

    EXPECT_EQ(none, 0u);
    EXPECT_EQ(of_empty, 0u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, AVectoredReadFindsTheRoomBehindEmptyPieces) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.client.WriteAll(Bytes("found")));
    std::array<std::byte, 16> room;
    std::vector<std::span<std::byte>> parts(40);
    parts.push_back(room);

    const std::size_t got = co_await OrReturn(pair.server.ReadVectored(parts));

    EXPECT_EQ(Text(std::span(room).first(got)), "found");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// It may fill only the first few; what it has not taken is for the next read.
TYPED_TEST_P(SocketTest, AVectoredReadOfManyPiecesLosesNothing) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(100);
    co_await OrReturn(pair.client.WriteAll(sent));
    std::vector<std::byte> got(sent.size());
    std::vector<std::span<std::byte>> parts;
    for (std::byte& byte : got) parts.emplace_back(&byte, 1);

    std::size_t count = 0;
    while (count < got.size()) {
      const auto rest = std::span(parts).subspan(count);
      count += co_await OrReturn(pair.server.ReadVectored(rest));
    }

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- Looking ahead ----------------------------------------------------------

TYPED_TEST_P(SocketTest, WhatWasPeekedIsReadAgain) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.client.WriteAll(Bytes("hello")));
    std::array<std::byte, 16> buffer;

    const std::size_t peeked = co_await OrReturn(pair.server.Peek(buffer));
    const std::size_t again = co_await OrReturn(pair.server.Peek(buffer));
    const std::string read = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(peeked, 5u);
    EXPECT_EQ(again, 5u);
    EXPECT_EQ(read, "hello");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// The read before it was short, so what came then was announced, and the peek
// has used the announcement up.
TYPED_TEST_P(SocketTest, AReadAfterAPeekAfterAShortReadFindsIt) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.client.WriteAll(Bytes("first")));
    const std::string first = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(pair.client.WriteAll(Bytes("second")));
    std::array<std::byte, 2> front;

    co_await OrReturn(pair.server.Peek(front));
    const std::string second = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(first, "first");
    EXPECT_EQ(Text(front), "se");
    EXPECT_EQ(second, "second");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, APeekWaitsForWhatIsWrittenLater) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::array<std::byte, 16> buffer;
    auto peek = [&]() -> Task<absl::StatusOr<std::size_t>> {
      co_return co_await pair.server.Peek(buffer);
    };
    auto peeking = Spawn(peek);
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !peeking.finished();

    co_await OrReturn(pair.client.WriteAll(Bytes("later")));
    const std::size_t peeked = co_await OrReturn(peeking.Join());

    EXPECT_TRUE(waited);
    EXPECT_EQ(Text(std::span(buffer).first(peeked)), "later");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, APeekAtTheEndOrIntoNothingIsZero) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::array<std::byte, 2> buffer;

    const std::size_t no_room = co_await OrReturn(pair.server.Peek({}));
    pair.client.Close();
    const std::size_t at_end = co_await OrReturn(pair.server.Peek(buffer));

    EXPECT_EQ(no_room, 0u);
    EXPECT_EQ(at_end, 0u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- Leased buffers ---------------------------------------------------------

TYPED_TEST_P(SocketTest, LeasesABufferForWhatIsThereAndNoneForTheEnd) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, Bytes("hello")));
    const OneBuffer buffer;

    LeasedBytes got = co_await OrReturn(pair.server.ReadSome());
    const bool leased = buffer.is_leased();
    const std::string text = Text(got.bytes());
    got = co_await OrReturn(pair.server.ReadSome());

    EXPECT_EQ(text, "hello");
    EXPECT_TRUE(leased);
    EXPECT_TRUE(got.empty());
    EXPECT_FALSE(buffer.is_leased());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, HoldsNoBufferWhileItIsIdle) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const OneBuffer buffer;
    auto reader =
        Spawn(ReadOnce<typename TypeParam::Stream>, std::ref(pair.server));
    co_await OrReturn(SleepFor(kAWhile));
    const bool leased = buffer.is_leased();

    co_await OrReturn(pair.client.WriteAll(Bytes("hello")));
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_FALSE(leased);
    EXPECT_EQ(text, "hello");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- All of it --------------------------------------------------------------

TYPED_TEST_P(SocketTest, WritesAndReadsAllWithoutAFrame) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(3 << 20);
    auto send = [&]() -> Task<absl::Status> {
      co_return co_await pair.client.WriteAll(sent);
    };
    auto sender = Spawn(send);
    std::vector<std::byte> got(sent.size());

    co_await OrReturn(pair.server.ReadExactly(got));
    co_await OrReturn(sender.Join());

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, TellsAnEndBeforeTheFirstByteFromOneAfterSome) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, Bytes("abc")));
    std::array<std::byte, 2> two;

    const absl::Status whole = co_await pair.server.ReadExactly(two);
    const absl::Status half = co_await pair.server.ReadExactly(two);
    const absl::Status none = co_await pair.server.ReadExactly(two);

    EXPECT_EQ(whole, absl::OkStatus());
    EXPECT_EQ(half.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(none.code(), absl::StatusCode::kOutOfRange);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTest, WritesAndFillsNothingWithoutWaiting) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.client.WriteAll({}));
    co_return co_await pair.client.ReadExactly({});
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- What is not done any more ----------------------------------------------

TYPED_TEST_P(SocketTest, DoesNothingMoreInAnyFormOnceItIsClosed) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.Close();
    std::array<std::byte, 4> buffer;
    const std::array<std::span<std::byte>, 1> parts = {buffer};

    const auto peeked = co_await pair.client.Peek(buffer);
    const auto leased = co_await pair.client.ReadSome();
    const auto pieces = co_await pair.client.ReadVectored(parts);
    const absl::Status filled = co_await pair.client.ReadExactly(buffer);
    const absl::Status written = co_await pair.client.WriteAll(Bytes("x"));

    EXPECT_TRUE(absl::IsFailedPrecondition(peeked.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(leased.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(pieces.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(filled));
    EXPECT_TRUE(absl::IsFailedPrecondition(written));
    EXPECT_TRUE(absl::IsFailedPrecondition(pair.client.ShutdownWrite()));
    EXPECT_TRUE(
        absl::IsFailedPrecondition(pair.client.SetSendBufferSize(4096)));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// The first form while it waits, the others before they begin.
TYPED_TEST_P(SocketTest, TakesNothingInAnyFormThatIsCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto& server = pair.server;
    std::array<std::byte, 4> buffer;
    const std::array<std::span<std::byte>, 1> parts = {buffer};
    auto in_turn = [&]() -> Task<> {
      const auto peeked = co_await server.Peek(buffer);
      EXPECT_TRUE(absl::IsCancelled(peeked.status()));
      const auto leased = co_await server.ReadSome();
      EXPECT_TRUE(absl::IsCancelled(leased.status()));
      const auto pieces = co_await server.ReadVectored(parts);
      EXPECT_TRUE(absl::IsCancelled(pieces.status()));
    };
    auto reading = Spawn(in_turn);
    co_await OrReturn(SleepFor(kAWhile));
    reading.Cancel();
    co_await OrReturn(reading.Join());

    co_await OrReturn(pair.client.WriteAll(Bytes("all")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "all");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- One task a direction ---------------------------------------------------

TYPED_TEST_P(SocketTest, RefusesASecondReader) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto first =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
    auto second =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
    co_return co_await SleepFor(kAWhile);
  };

  EXPECT_DEATH(this->Run(body).IgnoreError(), "let one of them do the reading");
}

TYPED_TEST_P(SocketTest, RefusesASecondWriter) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t one = 0;
    std::size_t other = 0;
    auto first = Spawn(FillUp<typename TypeParam::Stream>,
                       std::ref(pair.client), std::ref(one));
    auto second = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(other));
    co_return co_await SleepFor(kAWhile);
  };

  EXPECT_DEATH(this->Run(body).IgnoreError(), "let one of them do the reading");
}

REGISTER_TYPED_TEST_SUITE_P(
    SocketTest, ReadsIntoSeveralPiecesInTurn, AVectoredReadOfNoRoomDoesNotWait,
    AVectoredReadFindsTheRoomBehindEmptyPieces,
    AVectoredReadOfManyPiecesLosesNothing, WhatWasPeekedIsReadAgain,
    AReadAfterAPeekAfterAShortReadFindsIt, APeekWaitsForWhatIsWrittenLater,
    APeekAtTheEndOrIntoNothingIsZero,
    LeasesABufferForWhatIsThereAndNoneForTheEnd, HoldsNoBufferWhileItIsIdle,
    WritesAndReadsAllWithoutAFrame,
    TellsAnEndBeforeTheFirstByteFromOneAfterSome,
    WritesAndFillsNothingWithoutWaiting, DoesNothingMoreInAnyFormOnceItIsClosed,
    TakesNothingInAnyFormThatIsCancelled, RefusesASecondReader,
    RefusesASecondWriter);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_SOCKET_CONFORMANCE_H_
