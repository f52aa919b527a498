// What the timeouts of every stream socket keep: DEADLINE_EXCEEDED after one
// wait that was too long, and the stream is as good as before.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_TIMEOUT_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_TIMEOUT_CONFORMANCE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
class SocketTimeoutTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(SocketTimeoutTest);

TYPED_TEST_P(SocketTimeoutTest, EndsAReadAndLeavesTheStreamAsItWas) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.SetReadTimeout(absl::Seconds(5));
    for (int time = 0; time < 3; ++time) {
      const Instant start = Now();
      const absl::StatusOr<std::string> late = co_await ReadText(pair.client);
      EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
      EXPECT_GE(Now() - start, absl::Seconds(5));
    }

    co_await OrReturn(pair.server.WriteAll(Bytes("better late")));
    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(text, "better late");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, EndsEveryFormOfReading) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.SetReadTimeout(absl::Seconds(5));
    std::array<std::byte, 4> buffer;
    const std::array<std::span<std::byte>, 1> parts = {buffer};

    const auto peeked = co_await pair.client.Peek(buffer);
    const auto leased = co_await pair.client.ReadSome();
    const auto pieces = co_await pair.client.ReadVectored(parts);
    const absl::Status filled = co_await pair.client.ReadExactly(buffer);
    co_await OrReturn(pair.server.WriteAll(Bytes("all")));
    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_TRUE(absl::IsDeadlineExceeded(peeked.status()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(leased.status()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(pieces.status()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(filled));
    EXPECT_EQ(text, "all");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// What the writes before it have taken is there, and not a byte of its own.
TYPED_TEST_P(SocketTimeoutTest, EndsAWriteThatHasWrittenNothing) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.SetWriteTimeout(absl::Seconds(5));
    std::size_t taken = 0;

    const absl::Status late = co_await FillUp(pair.client, taken);
    auto [ended, got] =
        co_await WhenAll(WriteAllThenEnd<TypeParam>(pair.client, Bytes("!")),
                         ReadAll(pair.server));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) co_return got.status();
    EXPECT_EQ(got->size(), taken + 1);
    EXPECT_EQ(got->back(), std::byte{'!'});
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, CountsEachWaitOfAFullReadAnew) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.server.SetReadTimeout(absl::Seconds(5));
    std::array<std::byte, 4> four;
    auto drip = [&pair]() -> Task<absl::Status> {
      for (int i = 0; i < 4; ++i) {
        co_await OrReturn(SleepFor(absl::Seconds(4)));
        co_await OrReturn(pair.client.WriteAll(Bytes("x")));
      }
      co_return absl::OkStatus();
    };
    auto dripping = Spawn(drip);

    const absl::Status in_time = co_await pair.server.ReadExactly(four);
    const absl::Status late = co_await pair.server.ReadExactly(four);

    EXPECT_EQ(in_time, absl::OkStatus());
    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    co_return co_await dripping.Join();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, DoesNotWaitAtAllWhereItIsNotPositive) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    const Instant start = Now();

    pair.client.SetReadTimeout(absl::ZeroDuration());
    const absl::StatusOr<std::string> zero = co_await ReadText(pair.client);
    pair.client.SetReadTimeout(-absl::Seconds(1));
    const absl::StatusOr<std::string> negative = co_await ReadText(pair.client);
    pair.client.SetWriteTimeout(absl::ZeroDuration());
    const absl::Status full = co_await FillUp(pair.client, taken);
    const absl::Duration took = Now() - start;

    EXPECT_TRUE(absl::IsDeadlineExceeded(zero.status())) << zero.status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(negative.status()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(full)) << full;
    EXPECT_GT(taken, 0u);
    EXPECT_LT(took, absl::Seconds(1));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, GivesWhatIsThereInSpiteOfATimeoutOfNothing) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(pair.server.WriteAll(Bytes("there")));
    co_await OrReturn(SleepFor(kAWhile));

    pair.client.SetReadTimeout(absl::ZeroDuration());
    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(text, "there");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, CountsForItsOwnDirectionOnly) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.SetWriteTimeout(absl::Seconds(5));
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    co_await OrReturn(SleepFor(absl::Minutes(1)));

    co_await OrReturn(pair.server.WriteAll(Bytes("at last")));
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_EQ(text, "at last");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(SocketTimeoutTest, CountsForWhatIsBegunAfterwards) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    co_await OrReturn(SleepFor(kAWhile));
    pair.client.SetReadTimeout(absl::Seconds(5));
    co_await OrReturn(SleepFor(absl::Minutes(1)));

    co_await OrReturn(pair.server.WriteAll(Bytes("unlimited")));
    const std::string text = co_await OrReturn(reader.Join());
    const absl::StatusOr<std::string> late = co_await ReadText(pair.client);

    EXPECT_EQ(text, "unlimited");
    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// Whose reason it is counts: an owner's close, and not the clock.
TYPED_TEST_P(SocketTimeoutTest, IsNotTheReasonWhereTheStreamIsClosedFirst) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    pair.client.SetReadTimeout(absl::Seconds(5));
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.client));
    co_await OrReturn(SleepFor(kAWhile));

    pair.client.Close();
    const absl::StatusOr<std::string> closed = co_await reader.Join();

    EXPECT_TRUE(absl::IsFailedPrecondition(closed.status()));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(
    SocketTimeoutTest, EndsAReadAndLeavesTheStreamAsItWas,
    EndsEveryFormOfReading, EndsAWriteThatHasWrittenNothing,
    CountsEachWaitOfAFullReadAnew, DoesNotWaitAtAllWhereItIsNotPositive,
    GivesWhatIsThereInSpiteOfATimeoutOfNothing, CountsForItsOwnDirectionOnly,
    CountsForWhatIsBegunAfterwards, IsNotTheReasonWhereTheStreamIsClosedFirst);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_TIMEOUT_CONFORMANCE_H_
