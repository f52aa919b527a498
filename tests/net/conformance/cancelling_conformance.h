// What any ByteStream keeps where one operation is cancelled: a Read or a Write
// that says CANCELLED has done nothing, whenever that came; WriteAll and
// ReadExactly have done a part, from the front.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_CANCELLING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_CANCELLING_CONFORMANCE_H_

#include <cstddef>
#include <cstdint>
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
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
class StreamCancelTest : public StreamTest<Kind> {};
TYPED_TEST_SUITE_P(StreamCancelTest);

// --- Before it begins -------------------------------------------------------

// Runs `operation()` when the task it is in has been cancelled.
template <typename Operation>
Task<absl::Status> OnceCancelled(Operation operation) {
  const absl::Status cancelled = co_await SleepFor(absl::InfiniteDuration());
  EXPECT_TRUE(absl::IsCancelled(cancelled));
  co_return co_await operation();
}

TYPED_TEST_P(StreamCancelTest, ReadsNothingInATaskThatIsCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("here")));
    auto read = [&pair]() -> Task<absl::Status> {
      const absl::StatusOr<std::string> text = co_await ReadText(pair.server);
      co_return text.status();
    };
    auto reader = Spawn(OnceCancelled<decltype(read)>, read);
    co_await OrReturn(SleepFor(kAWhile));

    reader.Cancel();
    const absl::Status cancelled = co_await reader.Join();
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
    EXPECT_EQ(text, "here");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamCancelTest, WritesNothingInATaskThatIsCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    auto write = [&pair]() -> Task<absl::Status> {
      const auto written = co_await pair.client.Write(Bytes("never"));
      co_return written.status();
    };
    auto writer = Spawn(OnceCancelled<decltype(write)>, write);
    co_await OrReturn(SleepFor(kAWhile));

    writer.Cancel();
    const absl::Status cancelled = co_await writer.Join();
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, Bytes("only")));
    const std::vector<std::byte> got = co_await OrReturn(ReadAll(pair.server));

    EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
    EXPECT_EQ(Text(got), "only");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- While it waits ---------------------------------------------------------

TYPED_TEST_P(StreamCancelTest, ReadsOnAfterAReadThatWasCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    for (int time = 0; time < 3; ++time) {
      auto reader =
          Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
      co_await OrReturn(SleepFor(kAWhile));
      reader.Cancel();
      const absl::StatusOr<std::string> cancelled = co_await reader.Join();
      EXPECT_TRUE(absl::IsCancelled(cancelled.status()));
    }

    co_await OrReturn(WriteAll(pair.client, Bytes("after all")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "after all");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// What the writes before it have taken is there, and not a byte of its own.
TYPED_TEST_P(StreamCancelTest, HasWrittenNothingOfAWriteThatWasCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    auto writer = Spawn(FillUp<typename TypeParam::Stream>,
                        std::ref(pair.client), std::ref(taken));
    co_await OrReturn(SleepFor(kAWhile));

    writer.Cancel();
    const absl::Status cancelled = co_await writer.Join();
    auto [ended, got] =
        co_await WhenAll(TypeParam::End(pair.client), ReadAll(pair.server));

    EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) co_return got.status();
    EXPECT_EQ(got->size(), taken);
    EXPECT_TRUE(IsPattern(*got));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamCancelTest, ADeadlineOverAReadLeavesTheStreamAsItWas) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const Instant start = Now();
    const absl::StatusOr<std::string> late =
        co_await WithTimeout(absl::Seconds(5), ReadText(pair.server));
    const absl::Duration took = Now() - start;
    co_await OrReturn(WriteAll(pair.client, Bytes("better late")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    EXPECT_GE(took, absl::Seconds(5));
    EXPECT_EQ(text, "better late");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

TYPED_TEST_P(StreamCancelTest, ADeadlineOverAWriteLeavesTheStreamAsItWas) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::size_t taken = 0;
    const absl::Status late =
        co_await WithTimeout(absl::Seconds(5), FillUp(pair.client, taken));
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

// --- When it is too late ----------------------------------------------------

// Bytes and the cancellation come in the same moment, in any order: either the
// read has them, or the next one has. Counts the reads that were cancelled.
template <ByteStream S>
Task<absl::Status> CancelAsBytesCome(StreamPair<S>& pair, int& cancelled) {
  auto reader = Spawn(ReadText<S>, std::ref(pair.server));
  auto cancel = [&reader]() -> Task<> {
    reader.Cancel();
    co_return;
  };
  co_await OrReturn(SleepFor(kAWhile));
  auto canceller = Spawn(cancel);
  co_await Yield();
  co_await OrReturn(WriteAll(pair.client, Bytes("bytes")));
  absl::StatusOr<std::string> text = co_await reader.Join();
  co_await OrReturn(canceller.Join());
  if (absl::IsCancelled(text.status())) {
    ++cancelled;
    text = co_await ReadText(pair.server);
  }
  EXPECT_EQ(text.value_or("nothing"), "bytes");
  co_return text.status();
}

TYPED_TEST_P(StreamCancelTest, LosesNoByteWhereTheCancellationComesWithIt) {
  int cancelled = 0;
  auto body = [&cancelled](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    return CancelAsBytesCome(pair, cancelled);
  };

  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    weft::testing::Simulator sim(
        {.seed = seed, .system = &this->kind_.system()});

    const absl::Status status = sim.Run(RunWithPair(this->kind_, body));

    ASSERT_EQ(status, absl::OkStatus()) << "with seed " << seed;
  }
  EXPECT_GT(cancelled, 0);
}

TYPED_TEST_P(StreamCancelTest, KeepsTheResultOfAReadThatWasOver) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    co_await OrReturn(WriteAll(pair.client, Bytes("in time")));
    auto reader =
        Spawn(ReadText<typename TypeParam::Stream>, std::ref(pair.server));
    co_await OrReturn(SleepFor(kAWhile));

    reader.Cancel();
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_EQ(text, "in time");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// --- What is made of several ------------------------------------------------

TYPED_TEST_P(StreamCancelTest, HasWrittenAPrefixOfAWriteAllThatWasCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    const std::vector<std::byte> sent = Pattern(4 << 20);
    auto writer =
        Spawn(WriteAll<typename TypeParam::Stream>, std::ref(pair.client),
              std::span<const std::byte>(sent));
    co_await OrReturn(SleepFor(kAWhile));

    writer.Cancel();
    const absl::Status cancelled = co_await writer.Join();
    auto [ended, got] =
        co_await WhenAll(TypeParam::End(pair.client), ReadAll(pair.server));

    EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) co_return got.status();
    EXPECT_GT(got->size(), 0u);
    EXPECT_LT(got->size(), sent.size());
    EXPECT_TRUE(IsPattern(*got));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

// "Unknown" is how many bytes are lost, not which: the first.
TYPED_TEST_P(StreamCancelTest, HasReadAPrefixOfAReadExactlyThatWasCancelled) {
  auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> {
    std::vector<std::byte> into(20);
    auto reader = Spawn(ReadExactly<typename TypeParam::Stream>,
                        std::ref(pair.server), std::span<std::byte>(into));
    co_await OrReturn(WriteAll(pair.client, Bytes("0123456789")));
    co_await OrReturn(SleepFor(kAWhile));

    reader.Cancel();
    const absl::Status cancelled = co_await reader.Join();
    co_await OrReturn(WriteAllThenEnd<TypeParam>(pair.client, Bytes("abcde")));
    const std::vector<std::byte> rest = co_await OrReturn(ReadAll(pair.server));

    EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
    const std::size_t lost = 15 - rest.size();
    EXPECT_EQ(Text(std::span(into).first(lost)) + Text(rest),
              "0123456789abcde");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(this->Run(body), absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(StreamCancelTest,
                            ReadsNothingInATaskThatIsCancelled,
                            WritesNothingInATaskThatIsCancelled,
                            ReadsOnAfterAReadThatWasCancelled,
                            HasWrittenNothingOfAWriteThatWasCancelled,
                            ADeadlineOverAReadLeavesTheStreamAsItWas,
                            ADeadlineOverAWriteLeavesTheStreamAsItWas,
                            LosesNoByteWhereTheCancellationComesWithIt,
                            KeepsTheResultOfAReadThatWasOver,
                            HasWrittenAPrefixOfAWriteAllThatWasCancelled,
                            HasReadAPrefixOfAReadExactlyThatWasCancelled);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_CANCELLING_CONFORMANCE_H_
