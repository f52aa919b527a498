// What trying keeps, of any ByteStream that can be tried (net/stream.h): a
// TryRead or a TryWrite does what the operation would do, or nothing.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_TRYING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_TRYING_CONFORMANCE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
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

// What a try finds, as text.
template <ByteStream S>
std::string TriedText(S& stream) {
  std::array<std::byte, 64> buffer;
  const Tried got = TryRead(stream, buffer);
  if (!got.has_value()) return "(nothing)";
  if (!got->ok()) return std::string(got->status().message());
  return Text(std::span(buffer).first(**got));
}

// Writes the pattern until there is no room; how much that was.
template <ByteStream S>
std::size_t FillUpByTries(S& stream) {
  const std::vector<std::byte> bytes = Pattern(4 << 20);
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const Tried tried =
        TryWrite(stream, std::span(bytes).subspan(taken).first(1000));
    if (!tried.has_value()) break;
    taken += tried->value();
  }
  return taken;
}

template <typename Kind>
class StreamTryTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(StreamTryTest);

TYPED_TEST_P(StreamTryTest, ReadsWhatIsThere) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const Tried taken = TryWrite(pair.client, Bytes("there"));
    co_await OrReturn(SleepFor(kAWhile));

    EXPECT_EQ(taken, Tried(5));
    EXPECT_EQ(TriedText(pair.server), "there");
    EXPECT_EQ(TriedText(pair.server), "(nothing)");
    EXPECT_EQ(TryRead(pair.server, {}), Tried(0));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// Nobody has awaited anything, and so no event tells of it.
TYPED_TEST_P(StreamTryTest, FindsWhatHasComeSinceTheLastTry) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(TriedText(pair.server), "(nothing)");
      EXPECT_EQ(TryWrite(pair.client, Bytes("since")), Tried(5));
      co_await OrReturn(SleepFor(kAWhile));
      EXPECT_EQ(TriedText(pair.server), "since");
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamTryTest, LeavesTheNextReadToWait) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(TriedText(pair.server), "(nothing)");
      auto reader =
          Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
      co_await OrReturn(SleepFor(kAWhile));
      EXPECT_FALSE(reader.finished());

      co_await OrReturn(WriteAll(pair.client, Bytes("later")));
      const std::string text = co_await OrReturn(reader.Join());

      EXPECT_EQ(text, "later");
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamTryTest, WritesUntilThereIsNoRoomAndAgainWhenThereIs) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::size_t taken = FillUpByTries(pair.client);
    std::vector<std::byte> got(taken);
    co_await OrReturn(ReadExactly(pair.server, got));
    co_await OrReturn(SleepFor(kAWhile));

    EXPECT_GT(taken, 0u);
    EXPECT_TRUE(IsPattern(got));
    EXPECT_EQ(TryWrite(pair.client, Bytes("again")), Tried(5));
    const std::string again = co_await OrReturn(ReadText(pair.server));
    EXPECT_EQ(again, "again");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamTryTest, MakesRoomForAWriteThatWaits) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(1 << 20);
    auto writer = Spawn(WriteAll<typename TypeParam::Stream>,
                        std::ref(pair.client), std::span(sent));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !writer.finished();

    std::vector<std::byte> got(sent.size());
    std::size_t filled = 0;
    while (filled < got.size()) {
      const Tried tried = TryRead(pair.server, std::span(got).subspan(filled));
      if (tried.has_value()) filled += tried->value();
      if (!tried.has_value()) co_await OrReturn(SleepFor(kAWhile));
    }

    EXPECT_TRUE(waited);
    EXPECT_EQ(got, sent);
    co_return co_await writer.Join();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamTryTest, ReadsTheEndAgainAndAgain) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(TypeParam::End(pair.client));
    co_await OrReturn(SleepFor(kAWhile));

    EXPECT_EQ(TriedText(pair.server), "");
    EXPECT_EQ(TriedText(pair.server), "");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamTryTest, SaysThatItsOwnerHasClosedIt) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    EXPECT_EQ(TriedText(pair.client), "(nothing)");
    TypeParam::Close(pair.client);
    std::array<std::byte, 1> byte;

    const Tried read = TryRead(pair.client, byte);
    const Tried written = TryWrite(pair.client, Bytes("x"));

    EXPECT_TRUE(read.has_value() && absl::IsFailedPrecondition(read->status()));
    EXPECT_TRUE(written.has_value() &&
                absl::IsFailedPrecondition(written->status()));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(StreamTryTest, ReadsWhatIsThere,
                            FindsWhatHasComeSinceTheLastTry,
                            LeavesTheNextReadToWait,
                            WritesUntilThereIsNoRoomAndAgainWhenThereIs,
                            MakesRoomForAWriteThatWaits,
                            ReadsTheEndAgainAndAgain,
                            SaysThatItsOwnerHasClosedIt);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_TRYING_CONFORMANCE_H_
