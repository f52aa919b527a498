// What writing to any ByteStream keeps (net/stream.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_WRITING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_WRITING_CONFORMANCE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
class StreamWriteTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(StreamWriteTest);

// --- Nothing ----------------------------------------------------------------

TYPED_TEST_P(StreamWriteTest, WritesNothingWithoutWaiting) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::size_t written = co_await OrReturn(pair.client.Write({}));
    co_await OrReturn(WriteAll(pair.client, {}));
    co_await OrReturn(WriteAll(pair.client, Bytes("something")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(written, 0u);
    EXPECT_EQ(text, "something");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamWriteTest, WritesNoPiecesWithoutWaiting) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::array<std::span<const std::byte>, 3> empty = {};

    const std::size_t none = co_await OrReturn(pair.client.WriteVectored({}));
    const std::size_t of_empty =
        co_await OrReturn(pair.client.WriteVectored(empty));
    co_await OrReturn(WriteAll(pair.client, Bytes("something")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(none, 0u);
    EXPECT_EQ(of_empty, 0u);
    EXPECT_EQ(text, "something");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- Several pieces ---------------------------------------------------------

TYPED_TEST_P(StreamWriteTest, WritesSeveralPiecesAsOne) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::array parts = {Bytes("one, "), Bytes(""), Bytes("two, "),
                              Bytes("three")};

    const std::size_t written =
        co_await OrReturn(pair.client.WriteVectored(parts));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(written, 15u);
    EXPECT_EQ(text, "one, two, three");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamWriteTest, DoesNotTakeEmptyPiecesForAllThereIs) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::vector<std::span<const std::byte>> parts(40);
    parts.push_back(Bytes("at the end"));

    const std::size_t written =
        co_await OrReturn(pair.client.WriteVectored(parts));

    EXPECT_EQ(written, 10u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// What is left of `parts` when the first `taken` bytes are gone.
inline void DropFront(std::vector<std::span<const std::byte>>& parts,
                      std::size_t taken) {
  std::size_t whole = 0;
  while (whole < parts.size() && taken >= parts[whole].size()) {
    taken -= parts[whole++].size();
  }
  parts.erase(parts.begin(),
              parts.begin() + static_cast<std::ptrdiff_t>(whole));
  if (!parts.empty()) parts.front() = parts.front().subspan(taken);
}

// More than IOV_MAX, which is 1024, so that no single call can take them.
TYPED_TEST_P(StreamWriteTest, TakesMorePiecesThanASystemCallDoes) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(3000 * 5);
    std::vector<std::span<const std::byte>> parts;
    for (std::size_t at = 0; at < sent.size(); at += 5) {
      parts.push_back(std::span(sent).subspan(at, 5));
    }
    auto reader =
        Spawn(ReadAll<typename TypeParam::Stream>, std::ref(pair.server));

    while (!parts.empty()) {
      const std::size_t taken =
          co_await OrReturn(pair.client.WriteVectored(parts));
      EXPECT_GE(taken, 1u);
      DropFront(parts, taken);
    }
    co_await OrReturn(TypeParam::End(pair.client));
    const std::vector<std::byte> got = co_await OrReturn(reader.Join());

    EXPECT_EQ(got, sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- A buffer that is full --------------------------------------------------

template <ByteStream S>
Task<absl::StatusOr<std::vector<std::byte>>> ReadSlowly(S& stream) {
  std::vector<std::byte> all;
  std::array<std::byte, 5000> buffer;
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    if (got == 0) co_return all;
    all.insert(all.end(), buffer.begin(),
               buffer.begin() + static_cast<std::ptrdiff_t>(got));
    co_await Yield();
  }
}

TYPED_TEST_P(StreamWriteTest, WritesMuchToAReaderWhoTakesHisTime) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(2 << 20);

    auto [written, read] = co_await WhenAll(
        WriteAllThenEnd<TypeParam>(pair.client, sent), ReadSlowly(pair.server));

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_TRUE(read.ok() && *read == sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamWriteTest, CarriesMuchBothWaysAtOnce) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(1 << 20);

    auto [there, back, server, client] =
        co_await WhenAll(WriteAllThenEnd<TypeParam>(pair.client, sent),
                         WriteAllThenEnd<TypeParam>(pair.server, sent),
                         ReadAll(pair.server), ReadAll(pair.client));

    EXPECT_EQ(there, absl::OkStatus());
    EXPECT_EQ(back, absl::OkStatus());
    EXPECT_TRUE(server.ok() && *server == sent);
    EXPECT_TRUE(client.ok() && *client == sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// What was taken while nobody read is there, whole, and not a byte more.
TYPED_TEST_P(StreamWriteTest, WaitsWhileNobodyReads) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waits = !writer.finished();
    const std::size_t at_first = taken;

    std::vector<std::byte> got(at_first + 1);
    co_await OrReturn(ReadExactly(pair.server, got));
    co_await OrReturn(SleepFor(kAWhile));

    EXPECT_TRUE(waits);
    EXPECT_GT(at_first, 0u);
    EXPECT_GT(taken, at_first);
    EXPECT_TRUE(IsPattern(got));
    writer.Cancel();
    const absl::Status ended = co_await writer.Join();
    EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// One task reads while another writes: neither wakes, or holds up, the other.
TYPED_TEST_P(StreamWriteTest, LeavesTheOtherDirectionAlone) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));
    const bool both_wait = !reader.finished() && !writer.finished();

    co_await OrReturn(WriteAll(pair.server, Bytes("in between")));
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_TRUE(both_wait);
    EXPECT_EQ(text, "in between");
    EXPECT_FALSE(writer.finished());
    writer.Cancel();
    const absl::Status ended = co_await writer.Join();
    EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(StreamWriteTest, WritesNothingWithoutWaiting,
                            WritesNoPiecesWithoutWaiting,
                            WritesSeveralPiecesAsOne,
                            DoesNotTakeEmptyPiecesForAllThereIs,
                            TakesMorePiecesThanASystemCallDoes,
                            WritesMuchToAReaderWhoTakesHisTime,
                            CarriesMuchBothWaysAtOnce, WaitsWhileNobodyReads,
                            LeavesTheOtherDirectionAlone);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_WRITING_CONFORMANCE_H_
