// Tests of messages in a stream: lines, and frames with their length in front.
//
// SPDX-License-Identifier: MIT

#include "weft/net/framing.h"

#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using namespace std::string_view_literals;  // Of texts that hold zeros.

// What a generator has given, and how it ended.
struct Collected {
  std::vector<std::string> items;
  absl::Status end;
};

std::string AsText(std::string_view line) { return std::string(line); }
std::string AsText(std::span<const std::byte> frame) { return Text(frame); }

template <typename T>
Task<Collected> Collect(AsyncGenerator<absl::StatusOr<T>> generator) {
  Collected collected;
  while (const auto item = co_await generator.Next()) {
    if (item->ok()) {
      collected.items.push_back(AsText(**item));
    } else {
      collected.end = item->status();
    }
  }
  co_return collected;
}

// What a reader makes of a stream that holds `text`, one byte a read.
template <typename Make>
Collected CollectFrom(std::string_view text, Make make) {
  testing::Simulator sim;
  auto [client, server] = MakeMemoryPipe();
  server.SetLargestRead(1);
  EXPECT_EQ(sim.Run(WriteAll(client, Bytes(text))), absl::OkStatus());
  client.Close();
  BufferedReader<MemoryStream&> reader(server);
  return sim.Run(Collect(make(reader))).value();
}

Collected LinesOf(std::string_view text) {
  return CollectFrom(text, [](auto& reader) { return Lines(reader); });
}

Collected FramesOf(std::string_view text, const FrameOptions& options) {
  return CollectFrom(text, [&options](auto& reader) {
    return LengthPrefixedFrames(reader, options);
  });
}

constexpr FrameOptions kTwoBytes = {.prefix = PrefixForm::kTwoBytes};

TEST(FramingTest, GivesEveryLineAndThenTheEnd) {
  const Collected lines = LinesOf("one\r\ntwo\n\nfour\n");

  EXPECT_THAT(lines.items, ElementsAre("one", "two", "", "four"));
  EXPECT_EQ(lines.end, absl::OkStatus());
}

TEST(FramingTest, GivesNoLineOfAnEmptyStream) {
  const Collected lines = LinesOf("");

  EXPECT_TRUE(lines.items.empty());
  EXPECT_EQ(lines.end, absl::OkStatus());
}

TEST(FramingTest, SaysThatTheLastLineHasNoEnd) {
  const Collected lines = LinesOf("one\ntwo");

  EXPECT_THAT(lines.items, ElementsAre("one"));
  EXPECT_EQ(lines.end.code(), absl::StatusCode::kDataLoss);
}

TEST(FramingTest, GivesEveryFrameAndThenTheEnd) {
  const Collected frames = FramesOf("\0\3one\0\0\0\5three"sv, kTwoBytes);

  EXPECT_THAT(frames.items, ElementsAre("one", "", "three"));
  EXPECT_EQ(frames.end, absl::OkStatus());
}

TEST(FramingTest, SaysThatAFrameIsNotWholeWhereverItEnds) {
  const std::string_view whole = "\0\3one\0\5three"sv;
  for (const std::size_t size : {6u, 7u, 8u, 11u}) {
    const Collected frames = FramesOf(whole.substr(0, size), kTwoBytes);

    EXPECT_THAT(frames.items, ElementsAre("one"));
    EXPECT_EQ(frames.end.code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(FramingTest, TakesNobodysWordForMoreThanTheOptionsAllow) {
  const FrameOptions options{.max_size = 10};

  const Collected frames = FramesOf("\0\0\0\2ok\xFF\xFF\xFF\xFF"sv, options);

  EXPECT_THAT(frames.items, ElementsAre("ok"));
  EXPECT_EQ(frames.end.code(), absl::StatusCode::kResourceExhausted);
}

// --- Ends that are none -----------------------------------------------------

// Of a source whose errors may have the code that a reader's end has: one over
// a channel that was closed, or a call that gives ERANGE.
const absl::Status& OutOfRange() {
  static const absl::Status error = absl::OutOfRangeError("a closed channel");
  return error;
}

// What a reader makes of `text` and then that error.
template <typename Make>
Collected CollectUntilError(std::string_view text, Make make) {
  testing::Simulator sim;
  auto [client, server] = MakeMemoryPipe();
  server.FailReadsAfter(text.size(), OutOfRange());
  EXPECT_EQ(sim.Run(WriteAll(client, Bytes(text))), absl::OkStatus());
  BufferedReader<MemoryStream&> reader(server);
  return sim.Run(Collect(make(reader))).value();
}

TEST(FramingTest, NoErrorOfTheSourceIsTheEndOfTheLines) {
  const auto lines = [](auto& reader) { return Lines(reader); };
  for (const std::string_view text : {"one\n", "one\ntw"}) {
    const Collected got = CollectUntilError(text, lines);

    EXPECT_THAT(got.items, ElementsAre("one"));
    EXPECT_EQ(got.end, OutOfRange()) << text;
  }
}

TEST(FramingTest, NorOfTheFrames) {
  const auto frames = [](auto& reader) {
    return LengthPrefixedFrames(reader, kTwoBytes);
  };
  const std::string_view whole = "\0\3one\0\5three"sv;
  for (const std::size_t size : {5u, 6u, 7u, 11u}) {
    const Collected got = CollectUntilError(whole.substr(0, size), frames);

    EXPECT_THAT(got.items, ElementsAre("one"));
    EXPECT_EQ(got.end, OutOfRange()) << size;
  }
}

// --- One at a time ----------------------------------------------------------

TEST(FramingTest, ReadsAFrameAndTellsTheEndBeforeOneFromTheEndWithin) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("\0\3one\0\0"sv)));
    client.Close();
    BufferedReader<MemoryStream&> reader(server);

    const auto one = co_await OrReturn(ReadFrame(reader, kTwoBytes));
    const std::string text = Text(one);
    const auto nothing = co_await OrReturn(ReadFrame(reader, kTwoBytes));
    const auto end = co_await ReadFrame(reader, kTwoBytes);

    EXPECT_EQ(text, "one");
    EXPECT_TRUE(nothing.empty());
    EXPECT_EQ(end.status().code(), absl::StatusCode::kOutOfRange);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(FramingTest, AFrameThatIsRefusedStaysInTheBuffer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    constexpr FrameOptions kSmall = {.prefix = PrefixForm::kTwoBytes,
                                     .max_size = 2};
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("\0\3on"sv)));
    client.Close();
    BufferedReader<MemoryStream&> reader(server);

    const auto too_large = co_await ReadFrame(reader, kSmall);
    const auto cut_short = co_await ReadFrame(reader, kTwoBytes);

    EXPECT_EQ(too_large.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(cut_short.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(Text(reader.buffered()), "\0\3on"sv);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(FramingTest, WritesAFrameAsItIsRead) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    BufferedWriter writer(client);

    co_await OrReturn(WriteFrame(writer, Bytes("hello"), kTwoBytes));
    co_await OrReturn(writer.Flush());
    const std::string sent = co_await OrReturn(ReadText(server));

    EXPECT_EQ(sent, "\0\5hello"sv);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(FramingTest, WritesNothingOfAMessageThatIsTooLarge) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    BufferedWriter writer(client);
    const std::string large(65'536, 'x');

    const absl::Status refused =
        co_await WriteFrame(writer, Bytes(large), kTwoBytes);

    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(writer.unsent().empty());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> WriteFrames(MemoryStream stream,
                               const std::vector<std::string>& messages,
                               FrameOptions options) {
  BufferedWriter writer(stream);
  for (const std::string& message : messages) {
    co_await OrReturn(WriteFrame(writer, Bytes(message), options));
  }
  co_return co_await writer.Flush();
}

// Messages up to a few buffers long, through a pipe that is smaller.
TEST(FramingTest, CarriesMessagesOfAnySizeInEveryForm) {
  std::mt19937 random(1);
  for (const PrefixForm form :
       {PrefixForm::kVarint, PrefixForm::kTwoBytes, PrefixForm::kFourBytes,
        PrefixForm::kEightBytes}) {
    const FrameOptions options{.prefix = form, .order = std::endian::little};
    std::vector<std::string> messages;
    for (int i = 0; i < 60; ++i) {
      const std::size_t size = random() % (i % 9 == 0 ? 60'000 : 300);
      messages.emplace_back(size, static_cast<char>('a' + i % 26));
    }
    testing::Simulator sim;
    auto [client, server] = MakeMemoryPipe(/*capacity=*/5000);
    BufferedReader<MemoryStream&> reader(server);
    sim.Spawn(WriteFrames(std::move(client), messages, options));

    const Collected frames =
        sim.Run(Collect(LengthPrefixedFrames(reader, options))).value();

    EXPECT_TRUE(frames.items == messages);
    EXPECT_EQ(frames.end, absl::OkStatus());
  }
}

}  // namespace
}  // namespace weft::net
