// What the halves of every stream socket keep: two tasks may own one each, and
// either says what the whole would say.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_HALVES_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_HALVES_CONFORMANCE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/stream_socket.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

using ReadHalf = StreamSocket::ReadHalf;
using WriteHalf = StreamSocket::WriteHalf;

template <typename Kind>
class SocketHalvesTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(SocketHalvesTest);

// The half goes when it has written.
inline Task<absl::Status> WriteByHalf(WriteHalf half,
                                      std::vector<std::byte> bytes) {
  co_return co_await half.WriteAll(bytes);
}

inline Task<absl::StatusOr<std::vector<std::byte>>> ReadByHalf(ReadHalf half) {
  co_return co_await ReadAll(half);
}

TYPED_TEST_P(SocketHalvesTest, AreOwnedByTwoTasks) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(1 << 20);
    auto [read, write] = std::move(pair.client).Split();

    auto [written, got, there, back] = co_await WhenAll(
        WriteByHalf(std::move(write), sent), ReadByHalf(std::move(read)),
        ReadAll(pair.server), WriteAllThenEnd<TypeParam>(pair.server, sent));

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_EQ(back, absl::OkStatus());
    EXPECT_TRUE(got.ok() && *got == sent);
    EXPECT_TRUE(there.ok() && *there == sent);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, KeepTheConnectionWhileOneIsThere) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    {
      const ReadHalf gone = std::move(read);
    }

    co_await OrReturn(write.WriteAll(Bytes("still here")));
    const std::string text = co_await OrReturn(ReadText(pair.server));
    {
      const WriteHalf gone = std::move(write);
    }
    const std::string end = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "still here");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, OneThatWritesEndsItsDirectionWhenItGoes) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    {
      const WriteHalf gone = std::move(write);
    }

    const std::string end = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(pair.server.WriteAll(Bytes("and yet")));
    const std::string text = co_await OrReturn(ReadText(read));

    EXPECT_EQ(end, "");
    EXPECT_EQ(text, "and yet");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, EndOneDirectionAndReadOn) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    co_await OrReturn(write.ShutdownWrite());

    const std::string end = co_await OrReturn(ReadText(pair.server));
    co_await OrReturn(pair.server.WriteAll(Bytes("go on")));
    const std::string text = co_await OrReturn(ReadText(read));
    const auto refused = co_await write.Write(Bytes("more"));

    EXPECT_EQ(end, "");
    EXPECT_EQ(text, "go on");
    EXPECT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, CloseBothThroughTheOneThatWrites) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    auto reader = Spawn(ReadText<ReadHalf>, std::ref(read));
    co_await OrReturn(SleepFor(kAWhile));

    write.Close();
    const absl::StatusOr<std::string> closed = co_await reader.Join();
    const absl::StatusOr<std::string> end = co_await ReadText(pair.server);

    EXPECT_TRUE(absl::IsFailedPrecondition(closed.status()));
    EXPECT_EQ(end.value_or("no end"), "");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

inline Task<absl::Status> FillByHalf(WriteHalf& half) {
  const std::vector<std::byte> bytes = Pattern(1 << 20);
  for (;;) co_await OrReturn(half.WriteAll(bytes));
}

TYPED_TEST_P(SocketHalvesTest, CloseBothThroughTheOneThatReads) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    auto writer = Spawn(FillByHalf, std::ref(write));
    co_await OrReturn(SleepFor(kAWhile));

    read.Close();
    const absl::Status closed = co_await writer.Join();

    EXPECT_TRUE(absl::IsFailedPrecondition(closed)) << closed;
    EXPECT_TRUE(absl::IsFailedPrecondition(write.ShutdownWrite()));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, HaveTimeoutsOfTheirOwn) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    read.SetReadTimeout(absl::Seconds(5));
    write.SetWriteTimeout(absl::Seconds(5));

    const absl::StatusOr<std::string> nothing = co_await ReadText(read);
    const absl::Status full = co_await FillByHalf(write);

    EXPECT_TRUE(absl::IsDeadlineExceeded(nothing.status()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(full)) << full;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, BecomeOneAgain) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    using Stream = typename TypeParam::Stream;
    auto [read, write] = std::move(pair.client).Split();

    Stream whole =
        co_await OrReturn(Stream::Reunite(std::move(read), std::move(write)));
    co_await OrReturn(whole.WriteAll(Bytes("one piece")));
    co_await OrReturn(pair.server.WriteAll(Bytes("so I see")));
    const std::string there = co_await OrReturn(ReadText(pair.server));
    const std::string back = co_await OrReturn(ReadText(whole));

    EXPECT_EQ(there, "one piece");
    EXPECT_EQ(back, "so I see");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketHalvesTest, OfTwoStreamsAreNotReunited) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto [read, write] = std::move(pair.client).Split();
    auto [other_read, other_write] = std::move(pair.server).Split();

    const auto chimera =
        TypeParam::Stream::Reunite(std::move(read), std::move(other_write));

    EXPECT_TRUE(absl::IsInvalidArgument(chimera.status()));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(
    SocketHalvesTest, AreOwnedByTwoTasks, KeepTheConnectionWhileOneIsThere,
    OneThatWritesEndsItsDirectionWhenItGoes, EndOneDirectionAndReadOn,
    CloseBothThroughTheOneThatWrites, CloseBothThroughTheOneThatReads,
    HaveTimeoutsOfTheirOwn, BecomeOneAgain, OfTwoStreamsAreNotReunited);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_HALVES_CONFORMANCE_H_
