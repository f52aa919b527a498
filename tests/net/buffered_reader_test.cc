// Tests of buffered reading: what comes out, how it ends, and what is held.
// That nothing is lost to a cancellation is in buffered_cancellation_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/net/buffered_reader.h"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
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
#include "weft/net/tcp_stream.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

constexpr auto kEnd = absl::StatusCode::kOutOfRange;
constexpr auto kEarly = absl::StatusCode::kDataLoss;
constexpr auto kTooLong = absl::StatusCode::kResourceExhausted;

static_assert(ByteSource<BufferedReader<MemoryStream>>);
static_assert(ByteSource<BufferedReader<TcpStream&>>);
static_assert(std::movable<BufferedReader<TcpStream>> == false);
static_assert(std::move_constructible<BufferedReader<TcpStream>>);

// Text, and then the end, as a stream that a test reads from.
Task<absl::StatusOr<MemoryStream>> StreamOf(std::string_view text,
                                            std::size_t largest_read) {
  auto [client, server] = MakeMemoryPipe(text.size() + 1);
  co_await OrReturn(WriteAll(client, Bytes(text)));
  server.SetLargestRead(largest_read);
  client.Close();
  co_return std::move(server);
}

constexpr std::size_t kAny = BytePipe::kAny;

// A peer sends as many at once as it likes.
TEST(BufferedReaderTest, LetsOthersHaveATurnAfterManyLines) {
  constexpr int kLines = 1000;
  int read = 0;
  int read_before_another_had_a_turn = 0;
  auto another = [&]() -> Task<> {
    read_before_another_had_a_turn = read;
    co_return;
  };

  auto body = [&]() -> Task<absl::Status> {
    MemoryStream stream =
        co_await OrReturn(StreamOf(std::string(kLines, '\n'), kAny));
    BufferedReader reader(stream);
    co_await OrReturn(reader.WaitForMore());
    Spawn(another()).Detach();
    for (; read < kLines; ++read) {
      const std::string_view line = co_await OrReturn(reader.ReadLine());
      EXPECT_TRUE(line.empty());
    }
    co_return absl::OkStatus();
  };
  weft::testing::Simulator sim;

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());
  EXPECT_LT(read_before_another_had_a_turn, 200);
}

TEST(BufferedReaderTest, ReadsLinesWithoutTheirEnds) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream =
        co_await OrReturn(StreamOf("one\ntwo\r\n\n\r\nlast\r\r\n", kAny));
    BufferedReader reader(stream);
    std::vector<std::string> lines;

    for (int i = 0; i < 5; ++i) {
      const std::string_view line = co_await OrReturn(reader.ReadLine());
      lines.emplace_back(line);
    }
    const auto end = co_await reader.ReadLine();

    EXPECT_THAT(lines, ::testing::ElementsAre("one", "two", "", "", "last\r"));
    EXPECT_EQ(end.status().code(), kEnd);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, ReadsUpToAnyDelimiter) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream =
        co_await OrReturn(StreamOf("head\r\n\r\nbo\r\ndy--end", 1));
    BufferedReader reader(stream);

    const std::string head(co_await OrReturn(reader.ReadUntil("\r\n\r\n")));
    const std::string body(co_await OrReturn(reader.ReadUntil("--")));

    EXPECT_EQ(head, "head");
    EXPECT_EQ(body, "bo\r\ndy");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, ReadsExactlyAsManyBytesAsItIsAskedFor) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("0123456789", 3));
    BufferedReader reader(stream);
    std::array<std::byte, 5> into;

    const std::string peeked = Text(co_await OrReturn(reader.Peek(4)));
    const std::string view = Text(co_await OrReturn(reader.ReadExactly(2)));
    co_await OrReturn(reader.ReadExactly(into));
    const auto nothing = co_await OrReturn(reader.ReadExactly(0));

    EXPECT_EQ(peeked, "0123");
    EXPECT_EQ(view, "01");
    EXPECT_EQ(Text(into), "23456");
    EXPECT_TRUE(nothing.empty());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, ReadsWhatIsBufferedBeforeItAsksTheStream) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("line\nrest")));
    BufferedReader reader(server);
    co_await OrReturn(reader.ReadLine());

    const std::string buffered = Text(reader.buffered());
    const std::string rest = co_await OrReturn(ReadText(reader));
    client.Close();
    const std::string end = co_await OrReturn(ReadText(reader));

    EXPECT_EQ(buffered, "rest");
    EXPECT_EQ(rest, "rest");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, UsesUpWhatWasPeekedAt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("key=value\n", kAny));
    BufferedReader reader(stream);

    co_await OrReturn(reader.Peek(4));
    reader.Consume(4);
    const std::string_view value = co_await OrReturn(reader.ReadLine());

    EXPECT_EQ(value, "value");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, ThrowsAwayMoreThanItCouldHold) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const std::string much(300'000, '-');
    MemoryStream stream = co_await OrReturn(StreamOf(much + "rest\n", kAny));
    BufferedReader reader(stream);
    std::uint64_t left = much.size();

    co_await OrReturn(reader.Discard(left));
    const std::string_view rest = co_await OrReturn(reader.ReadLine());

    EXPECT_EQ(left, 0u);
    EXPECT_EQ(rest, "rest");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, OwnsTheStreamThatItWasGiven) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    {
      BufferedReader reader(std::move(server));
      BufferedReader<MemoryStream> moved = std::move(reader);
      co_await OrReturn(WriteAll(moved.source(), Bytes("hello")));
    }

    const std::string hello = co_await OrReturn(ReadText(client));
    const std::string end = co_await OrReturn(ReadText(client));

    EXPECT_EQ(hello, "hello");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- How it ends ------------------------------------------------------------

TEST(BufferedReaderTest, TellsTheEndBeforeALineFromTheEndWithinOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("whole\npart", 1));
    BufferedReader reader(stream);
    co_await OrReturn(reader.ReadLine());

    const absl::Status part = (co_await reader.ReadLine()).status();
    const absl::Status again = (co_await reader.ReadLine()).status();
    const std::string rest = Text(reader.buffered());
    reader.Consume(rest.size());
    const absl::Status none = (co_await reader.ReadLine()).status();

    EXPECT_EQ(part.code(), kEarly);
    EXPECT_THAT(std::string(part.message()), HasSubstr("after 4 bytes"));
    EXPECT_EQ(again.code(), kEarly);
    EXPECT_EQ(rest, "part");
    EXPECT_EQ(none.code(), kEnd);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, TellsTheEndBeforeAMessageFromTheEndWithinOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("12345678", 2));
    BufferedReader reader(stream);
    std::array<std::byte, 5> into;
    co_await OrReturn(reader.ReadExactly(into));

    const absl::Status copied = co_await reader.ReadExactly(into);
    const absl::Status viewed = (co_await reader.ReadExactly(5)).status();
    const absl::Status peeked = (co_await reader.Peek(4)).status();
    reader.Consume(3);
    const absl::Status none = co_await reader.ReadExactly(into);

    EXPECT_EQ(copied.code(), kEarly);
    EXPECT_THAT(std::string(copied.message()), HasSubstr("3 of 5 bytes"));
    EXPECT_EQ(viewed, copied);
    EXPECT_EQ(peeked.code(), kEarly);
    EXPECT_EQ(none.code(), kEnd);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, TellsWhetherThereIsMoreAndUsesNothingUp) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("ab", 1));
    BufferedReader reader(stream);

    const bool first = co_await OrReturn(reader.WaitForMore());
    const bool again = co_await OrReturn(reader.WaitForMore());
    const std::string buffered = Text(reader.buffered());
    co_await OrReturn(reader.ReadExactly(2));
    const bool at_end = co_await OrReturn(reader.WaitForMore());

    EXPECT_TRUE(first);
    EXPECT_TRUE(again);
    EXPECT_EQ(buffered, "a");
    EXPECT_FALSE(at_end);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, TakesNoErrorForTheEndWhenItIsAskedForMore) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    server.FailReadsAfter(0, absl::OutOfRangeError("a closed channel"));
    BufferedReader<MemoryStream&> reader(server);

    const auto more = co_await reader.WaitForMore();

    EXPECT_EQ(more.status(), absl::OutOfRangeError("a closed channel"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, TellsHowFarItGotInWhatItThrowsAway) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    MemoryStream stream = co_await OrReturn(StreamOf("12345", 2));
    BufferedReader reader(stream);
    std::uint64_t left = 8;

    const absl::Status early = co_await reader.Discard(left);
    const std::uint64_t left_over = left;
    const absl::Status none = co_await reader.Discard(left);
    const absl::Status skipped = co_await reader.SkipPast("\n");

    EXPECT_EQ(early.code(), kEarly);
    EXPECT_EQ(left_over, 3u);
    EXPECT_EQ(none.code(), kEnd);
    EXPECT_EQ(skipped.code(), kEnd);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, PutsBackALargeMessageThatIsNotWhole) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const std::string large(3 * BufferLease::kSize, 'x');
    MemoryStream stream = co_await OrReturn(StreamOf("a\n" + large, kAny));
    BufferedReader reader(stream);
    co_await OrReturn(reader.ReadLine());
    std::vector<std::byte> into(4 * BufferLease::kSize);

    const absl::Status early = co_await reader.ReadExactly(into);

    EXPECT_EQ(early.code(), kEarly);
    EXPECT_EQ(Text(reader.buffered()), large);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(BufferedReaderTest, PassesOnTheStreamsErrorAndKeepsWhatCameBefore) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("before")));
    server.FailReadsAfter(4, absl::InternalError("broken"));
    BufferedReader reader(server);
    std::array<std::byte, 5> into;

    const absl::Status line = (co_await reader.ReadLine()).status();
    const absl::Status copy = co_await reader.ReadExactly(into);

    EXPECT_EQ(line, absl::InternalError("broken"));
    EXPECT_EQ(copy, line);
    EXPECT_EQ(Text(reader.buffered()), "befo");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Limits -----------------------------------------------------------------

// Whether a line is too long must not depend on the pieces in which it comes.
TEST(BufferedReaderTest, RefusesALineBeyondItsLimitHoweverItComes) {
  for (const std::size_t largest_read : {std::size_t{1}, kAny}) {
    const absl::Status status = Simulate(
        {},
        [](std::size_t largest) -> Task<absl::Status> {
          MemoryStream stream =
              co_await OrReturn(StreamOf("1234567\n12345678\nnext\n", largest));
          const BufferedReaderOptions options{.longest_line = 8};
          BufferedReader reader(stream, options);

          const std::string fits(co_await OrReturn(reader.ReadLine()));
          const absl::Status too_long = (co_await reader.ReadLine()).status();
          const absl::Status again = (co_await reader.ReadLine()).status();
          co_await OrReturn(reader.SkipPast("\n"));
          const std::string next(co_await OrReturn(reader.ReadLine()));

          EXPECT_EQ(fits, "1234567");
          EXPECT_EQ(too_long.code(), kTooLong);
          EXPECT_EQ(again, too_long);
          EXPECT_EQ(next, "next");
          co_return absl::OkStatus();
        },
        largest_read);

    EXPECT_EQ(status, absl::OkStatus()) << "in pieces of " << largest_read;
  }
}

TEST(BufferedReaderTest, HoldsALineThatIsLongerThanABuffer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const std::string text(60'000, 'x');
    MemoryStream stream = co_await OrReturn(StreamOf(text + "\nnext\n", 999));
    BufferedReader reader(stream);

    const std::string line(co_await OrReturn(reader.ReadLine()));
    const std::string next(co_await OrReturn(reader.ReadLine()));

    EXPECT_EQ(line, text);
    EXPECT_EQ(next, "next");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Any use of it ----------------------------------------------------------

// A random operation, checked against the text that the stream holds.
Task<absl::Status> DoSomething(BufferedReader<MemoryStream&>& reader,
                               std::mt19937& random, std::string_view& rest) {
  const bool is_large = random() % 8 == 0;
  const std::size_t count =
      std::min<std::size_t>(random() % (is_large ? 40'000 : 50), rest.size());
  const std::string_view expected = rest.substr(0, count);
  std::string got(count, '\0');
  const std::span<std::byte> into = std::as_writable_bytes(std::span(got));
  switch (random() % 4) {
    case 0:
      co_await OrReturn(reader.ReadExactly(into));
      break;
    case 1: {
      const auto view = co_await OrReturn(reader.ReadExactly(count));
      got = Text(view);
      break;
    }
    case 2: {
      std::uint64_t left = count;
      co_await OrReturn(reader.Discard(left));
      got = expected;
      break;
    }
    default: {
      const std::size_t end = rest.find('\n');
      if (end == rest.npos) co_return absl::OkStatus();
      const std::string_view line = co_await OrReturn(reader.ReadLine());
      EXPECT_EQ(line, rest.substr(0, end));
      rest.remove_prefix(end + 1);
      co_return absl::OkStatus();
    }
  }
  EXPECT_TRUE(got == expected);
  rest.remove_prefix(count);
  co_return absl::OkStatus();
}

Task<absl::Status> UseAtRandom(unsigned seed) {
  std::mt19937 random(seed);
  std::string text(400'000, ' ');
  for (char& letter : text) letter = random() % 60 == 0 ? '\n' : 'a' + seed % 9;
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = '0' + i % 10;
  MemoryStream stream =
      co_await OrReturn(StreamOf(text, 1 + random() % 20'000));
  BufferedReader<MemoryStream&> reader(stream);
  std::string_view rest = text;
  for (int i = 0; i < 2000 && !rest.empty(); ++i) {
    co_await OrReturn(DoSomething(reader, random, rest));
  }
  co_return absl::OkStatus();
}

TEST(BufferedReaderTest, GivesEveryByteOnceWhateverItIsAskedFor) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    EXPECT_EQ(Simulate({}, UseAtRandom, seed), absl::OkStatus())
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace weft::net
