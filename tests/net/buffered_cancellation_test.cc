// Tests of cancellation in buffered reading and writing: wherever it comes, the
// call can be repeated, and every byte arrives once and in its place.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
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
#include "gtest/gtest.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/buffered_writer.h"
#include "weft/net/framing.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using testing::CancelEverywhere;
using testing::Interrupted;

// --- Reading ----------------------------------------------------------------

constexpr std::size_t kLarge = 40'000;  // Is read past the buffer.

std::string TextToRead() {
  return "line\r\nhead:value;0123456789thrown away;skipped|end" +
         std::string(kLarge, 'x') + "last\n";
}

// What has been read, and which step is next. It outlives the task that reads.
template <typename S>
struct Reading {
  explicit Reading(S&& source) : reader(std::forward<S>(source)) {}

  BufferedReader<S> reader;
  int step = 0;
  std::uint64_t to_discard = 11;
  std::vector<std::string> got;
};

template <typename S>
Task<absl::StatusOr<std::string>> DoReadStep(Reading<S>& reading) {
  BufferedReader<S>& reader = reading.reader;
  std::array<std::byte, 7> small;
  switch (reading.step) {
    case 0:
      co_return std::string(co_await OrReturn(reader.ReadLine()));
    case 1:
      co_return std::string(co_await OrReturn(reader.ReadUntil(":")));
    case 2:
      co_return Text(co_await OrReturn(reader.Peek(6)));
    case 3:
      co_return Text(co_await OrReturn(reader.ReadExactly(6)));
    case 4:
      co_await OrReturn(reader.ReadExactly(small));
      co_return Text(small);
    case 5:
      co_return Text(co_await OrReturn(reader.ReadExactly(3)));
    case 6:
      co_await OrReturn(reader.Discard(reading.to_discard));
      co_await OrReturn(reader.SkipPast("|end"));
      co_return "";
    case 7: {
      std::vector<std::byte> large(kLarge);
      co_await OrReturn(reader.ReadExactly(large));
      co_return Text(large);
    }
    default:
      co_return std::string(co_await OrReturn(reader.ReadLine()));
  }
}

std::vector<std::string> ExpectedSteps() {
  return {"line",    "head", "value;", "value;",
          "0123456", "789",  "",       std::string(kLarge, 'x'),
          "last"};
}

template <typename S>
Task<absl::Status> ReadSteps(Reading<S>& reading) {
  while (reading.step < static_cast<int>(ExpectedSteps().size())) {
    std::string got = co_await OrReturn(DoReadStep(reading));
    reading.got.push_back(std::move(got));
    ++reading.step;
  }
  co_return absl::OkStatus();
}

// Goes on, undisturbed, where the cancellation has met it.
template <typename S>
Task<absl::Status> ReadInSpiteOfAll(Reading<S>& reading) {
  const absl::Status status = co_await ReadSteps(reading);
  if (!absl::IsCancelled(status)) co_return status;
  co_return co_await Shield(ReadSteps(reading));
}

// In small pieces at first, so that a reader waits in the middle of everything.
template <typename S>
Task<absl::Status> SendInPieces(S stream, std::string text) {
  constexpr std::size_t kSmallUntil = 64;
  std::span<const std::byte> rest = Bytes(text);
  while (!rest.empty()) {
    const bool is_small = text.size() - rest.size() < kSmallUntil;
    const std::size_t size =
        std::min<std::size_t>(is_small ? 3 : 7000, rest.size());
    co_await OrReturn(WriteAll(stream, rest.first(size)));
    rest = rest.subspan(size);
    co_await Yield();
  }
  co_return absl::OkStatus();
}

using Texts = absl::StatusOr<std::vector<std::string>>;

Task<Texts> ReadFromMemory() {
  auto [client, server] = MakeMemoryPipe();
  Reading<MemoryStream&> reading(server);
  Spawn(SendInPieces<MemoryStream>, std::move(client), TextToRead()).Detach();
  co_await OrReturn(ReadInSpiteOfAll(reading));
  co_return std::move(reading.got);
}

Task<Texts> ReadFromASocket() {
  TcpPair pair = co_await OrReturn(Shield(ConnectPair()));
  Reading<TcpStream> reading(std::move(pair.server));
  Spawn(SendInPieces<TcpStream>, std::move(pair.client), TextToRead()).Detach();
  co_await OrReturn(ReadInSpiteOfAll(reading));
  co_return std::move(reading.got);
}

absl::Status IsWhatWasSent(const Texts& got, const Interrupted&) {
  if (!got.ok()) return got.status();
  if (*got == ExpectedSteps()) return absl::OkStatus();
  return absl::InternalError("something is lost, or in the wrong place");
}

TEST(BufferedCancellationTest, LosesNothingOfWhatIsReadFromMemory) {
  const absl::StatusOr<int> places =
      CancelEverywhere({.seeds = 10}, ReadFromMemory, IsWhatWasSent);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 30);
}

TEST(BufferedCancellationTest, LosesNothingOfWhatIsReadFromASocket) {
  const absl::StatusOr<int> places =
      CancelEverywhere({.seeds = 3}, ReadFromASocket, IsWhatWasSent);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 30);
}

// --- Messages ---------------------------------------------------------------

// Both generators in turn, made anew where one was cancelled.
Task<absl::Status> CollectMessages(BufferedReader<MemoryStream&>& reader,
                                   std::vector<std::string>& got) {
  const FrameOptions options{.prefix = PrefixForm::kTwoBytes};
  while (got.size() < 3) {
    auto lines = Lines(reader);
    const auto line = co_await lines.Next();
    if (!line->ok()) co_return line->status();
    got.emplace_back(**line);
  }
  auto frames = LengthPrefixedFrames(reader, options);
  while (const auto frame = co_await frames.Next()) {
    if (!frame->ok()) co_return frame->status();
    got.push_back(Text(**frame));
  }
  co_return absl::OkStatus();
}

Task<Texts> ReadMessages() {
  using namespace std::string_literals;  // Of texts that hold zeros.
  auto [client, server] = MakeMemoryPipe();
  BufferedReader<MemoryStream&> reader(server);
  std::vector<std::string> got;
  Spawn(SendInPieces<MemoryStream>, std::move(client),
        "one\ntwo\n\n\0\5three\0\0\0\4four"s)
      .Detach();
  absl::Status status = co_await CollectMessages(reader, got);
  if (absl::IsCancelled(status)) {
    status = co_await Shield(CollectMessages(reader, got));
  }
  if (!status.ok()) co_return status;
  co_return got;
}

TEST(BufferedCancellationTest, LosesNoMessage) {
  const auto check = [](const Texts& got, const Interrupted&) {
    const std::vector<std::string> sent = {"one",   "two", "",
                                           "three", "",    "four"};
    if (!got.ok()) return got.status();
    return *got == sent ? absl::OkStatus() : absl::InternalError("lost");
  };

  const absl::StatusOr<int> places =
      CancelEverywhere({.seeds = 10}, ReadMessages, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

// --- Writing ----------------------------------------------------------------

// What is written, and how much of it was accepted. It outlives the writing
// task.
struct Writing {
  explicit Writing(MemoryStream& stream)
      : writer(stream, BufferedWriterOptions{.capacity = 6}) {}

  BufferedWriter<MemoryStream&> writer;
  std::size_t accepted = 0;
};

constexpr std::array<std::string_view, 7> kMessages = {
    "a", "few ", "small ones, ", "", "and then a large one, ", "!", "."};

Task<absl::Status> WriteMessages(Writing& writing) {
  while (writing.accepted < kMessages.size()) {
    co_await OrReturn(writing.writer.Write(kMessages[writing.accepted]));
    ++writing.accepted;
  }
  co_return co_await writing.writer.Flush();
}

Task<absl::Status> WriteInSpiteOfAll(MemoryStream stream) {
  Writing writing(stream);
  const absl::Status status = co_await WriteMessages(writing);
  if (!absl::IsCancelled(status)) co_return status;
  co_return co_await Shield(WriteMessages(writing));
}

Task<absl::Status> ReadSlowly(MemoryStream stream, std::string& got) {
  std::array<std::byte, 2> buffer;
  while (std::size_t size = co_await OrReturn(stream.Read(buffer))) {
    got += Text(std::span(buffer).first(size));
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WriteToASlowReader(MemoryStream client, MemoryStream server,
                                      std::string& got) {
  Spawn(ReadSlowly, std::move(server), std::ref(got)).Detach();
  co_return co_await WriteInSpiteOfAll(std::move(client));
}

TEST(BufferedCancellationTest, WritesEveryByteOnce) {
  std::string got;
  const auto start = [&got] {
    auto [client, server] = MakeMemoryPipe(/*capacity=*/3);
    got.clear();
    return WriteToASlowReader(std::move(client), std::move(server), got);
  };
  const auto check = [&got](const absl::Status& status, const Interrupted&) {
    std::string sent;
    for (const std::string_view message : kMessages) sent += message;
    if (!status.ok()) return status;
    return got == sent ? absl::OkStatus() : absl::InternalError(got);
  };

  const absl::StatusOr<int> places =
      CancelEverywhere({.seeds = 20}, start, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

}  // namespace
}  // namespace weft::net
