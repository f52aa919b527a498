// Tests of buffered writing: when it sends, how it waits, and what is known of
// what was not sent. Cancellation is in buffered_cancellation_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/net/buffered_writer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;

// Takes what it is given, notes the calls, and fails when it is told to.
class NotingSink {
 public:
  Task<absl::StatusOr<std::size_t>> Write(std::span<const std::byte> from) {
    const ByteParts parts(&from, 1);
    co_return Note(parts);
  }
  Task<absl::StatusOr<std::size_t>> WriteVectored(ByteParts parts) {
    co_return Note(parts);
  }

  std::vector<std::string> calls;
  std::string all;
  std::size_t largest = BytePipe::kAny;
  int calls_until_error = -1;

 private:
  absl::StatusOr<std::size_t> Note(ByteParts parts) {
    if (calls_until_error-- == 0) return absl::UnavailableError("gone");
    std::string call;
    for (const std::span<const std::byte> part : parts) call += Text(part);
    call.resize(std::min(call.size(), largest));
    all += call;
    calls.push_back(call);
    return call.size();
  }
};

TEST(BufferedWriterTest, SendsNothingBeforeItMust) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    BufferedWriter writer(sink);

    co_await OrReturn(writer.Write("one, "));
    co_await OrReturn(writer.Write(Bytes("two")));
    const bool nothing = sink.calls.empty();
    const std::string unsent = Text(writer.unsent());
    co_await OrReturn(writer.Flush());

    EXPECT_TRUE(nothing);
    EXPECT_EQ(unsent, "one, two");
    EXPECT_THAT(sink.calls, ElementsAre("one, two"));
    EXPECT_TRUE(writer.unsent().empty());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, FlushesNothingWithoutACall) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    BufferedWriter writer(sink);

    co_await OrReturn(writer.Write(""));
    co_await OrReturn(writer.Flush());

    EXPECT_TRUE(sink.calls.empty());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, SendsALargeWriteTogetherWithWhatIsBuffered) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    const BufferedWriterOptions options{.capacity = 8};
    BufferedWriter writer(sink, options);

    co_await OrReturn(writer.Write("head "));
    co_await OrReturn(writer.Write("and a long body"));

    EXPECT_THAT(sink.calls, ElementsAre("head and a long body"));
    EXPECT_TRUE(writer.unsent().empty());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, KeepsTheRestOfAWriteAsSoonAsItFits) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    sink.largest = 4;
    const BufferedWriterOptions options{.capacity = 8};
    BufferedWriter writer(sink, options);

    co_await OrReturn(writer.Write("012345"));
    co_await OrReturn(writer.Write("6789abcdef"));
    const std::string unsent = Text(writer.unsent());
    co_await OrReturn(writer.Flush());

    EXPECT_EQ(unsent, "89abcdef");
    EXPECT_THAT(sink.calls, ElementsAre("0123", "4567", "89ab", "cdef"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, WritesMorePiecesThanOneCallTakes) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    sink.largest = 7;
    const BufferedWriterOptions options{.capacity = 10};
    BufferedWriter writer(sink, options);
    const std::vector<std::span<const std::byte>> pieces(50, Bytes("abc"));

    co_await OrReturn(writer.Write("x"));
    co_await OrReturn(writer.WriteVectored(pieces));
    co_await OrReturn(writer.Flush());

    std::string expected = "x";
    for (int i = 0; i < 50; ++i) expected += "abc";
    EXPECT_EQ(sink.all, expected);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, TakesWhatFitsWithoutWaitingAndNothingElse) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    const BufferedWriterOptions options{.capacity = 8};
    BufferedWriter writer(sink, options);

    const bool fits = writer.TryWrite("12345");
    const bool too_much = writer.TryWrite("6789");
    const bool still_fits = writer.TryWrite("678");

    EXPECT_TRUE(fits && still_fits);
    EXPECT_FALSE(too_much);
    EXPECT_EQ(Text(writer.unsent()), "12345678");
    writer.Abandon();
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> WriteThree(BufferedWriter<MemoryStream&>& writer) {
  co_await OrReturn(writer.Write("012345"));
  co_await OrReturn(writer.Write("6789ab"));
  co_await OrReturn(writer.Write("cdef"));
  co_return co_await writer.Flush();
}

TEST(BufferedWriterTest, WaitsForAReaderThatIsSlowerThanTheWriter) {
  auto [client, server] = MakeMemoryPipe(/*capacity=*/4);
  const BufferedWriterOptions options{.capacity = 6};
  BufferedWriter<MemoryStream&> writer(client, options);
  testing::Simulator sim;
  auto writing = sim.SpawnJoinable(WriteThree, std::ref(writer));

  std::string all;
  std::vector<std::size_t> unsent;
  for (int read = 0; read < 4; ++read) {
    sim.RunUntilIdle();
    unsent.push_back(writer.unsent().size());
    all += sim.Run(ReadText(server)).value_or("nothing");
  }
  sim.RunUntilIdle();

  // Four are in the pipe each time; what does not fit behind six waits.
  EXPECT_THAT(unsent, ElementsAre(2, 4, 4, 0));
  EXPECT_EQ(all, "0123456789abcdef");
  EXPECT_TRUE(writing.finished());
}

// --- Errors -----------------------------------------------------------------

TEST(BufferedWriterTest, KnowsWhatAFailedFlushHasNotSent) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    sink.largest = 4;
    sink.calls_until_error = 1;
    BufferedWriter writer(sink);
    co_await OrReturn(writer.Write("0123456789"));

    const absl::Status failed = co_await writer.Flush();
    const std::string unsent = Text(writer.unsent());
    co_await OrReturn(writer.Flush());

    EXPECT_EQ(failed, absl::UnavailableError("gone"));
    EXPECT_EQ(unsent, "456789");
    EXPECT_EQ(sink.all, "0123456789");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, AcceptsNothingOfAWriteThatFails) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    sink.calls_until_error = 0;
    const BufferedWriterOptions options{.capacity = 6};
    BufferedWriter writer(sink, options);
    co_await OrReturn(writer.Write("0123"));

    const absl::Status failed = co_await writer.Write("4567");
    const std::string unsent = Text(writer.unsent());
    co_await OrReturn(writer.Write("4567"));
    co_await OrReturn(writer.Flush());

    EXPECT_EQ(failed, absl::UnavailableError("gone"));
    EXPECT_EQ(unsent, "0123");
    EXPECT_EQ(sink.all, "01234567");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedWriterTest, AcceptsAllOfAWriteOfWhichSomeHasLeft) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;
    sink.largest = 6;
    sink.calls_until_error = 1;
    const BufferedWriterOptions options{.capacity = 4};
    BufferedWriter writer(sink, options);
    co_await OrReturn(writer.Write("0123"));

    const absl::Status accepted = co_await writer.Write("456789abcdef");
    const std::string unsent = Text(writer.unsent());
    co_await OrReturn(writer.Flush());

    EXPECT_EQ(accepted, absl::OkStatus());
    EXPECT_EQ(unsent, "6789abcdef");
    EXPECT_EQ(sink.all, "0123456789abcdef");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- What nobody flushes ----------------------------------------------------

Task<absl::StatusOr<std::uint64_t>> DroppedBy(bool abandons) {
  NotingSink sink;
  const std::uint64_t before = DroppedBytes();
  {
    BufferedWriter writer(sink);
    co_await OrReturn(writer.Write("forgotten"));
    if (abandons) writer.Abandon();
    BufferedWriter<NotingSink&> moved = std::move(writer);
  }
  co_return DroppedBytes() - before;
}

TEST(BufferedWriterTest, CountsWhatItDropsOnceAndNotWhatIsAbandoned) {
  testing::Simulator sim;

  const absl::StatusOr<std::uint64_t> dropped = sim.Run(DroppedBy(false));
  const absl::StatusOr<std::uint64_t> abandoned = sim.Run(DroppedBy(true));

  EXPECT_EQ(dropped.value_or(0), 9u);
  EXPECT_EQ(abandoned.value_or(1), 0u);
}

TEST(BufferedWriterTest, IsFlushedByUsingOnEveryWayOut) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    NotingSink sink;

    const absl::Status used = co_await Using(
        BufferedWriter<NotingSink&>(sink),
        [&](BufferedWriter<NotingSink&>& writer) -> Task<absl::Status> {
          co_await OrReturn(writer.Write("before it failed"));
          co_return absl::InternalError("failed");
        });

    EXPECT_EQ(used, absl::InternalError("failed"));
    EXPECT_EQ(sink.all, "before it failed");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
