// Tests of reading a stream to its end.
//
// SPDX-License-Identifier: MIT

#include "weft/net/read_all.h"

#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net {
namespace {

using ::weft::testing::Simulator;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

Task<absl::Status> Send(MemoryStream& stream, std::string text) {
  co_await OrReturn(WriteAll(stream, std::as_bytes(std::span(text))));
  co_return stream.ShutdownWrite();
}

class ReadAllTest : public ::testing::Test {
 protected:
  // What is read of `text`, which comes with its end.
  absl::StatusOr<std::string> Read(std::string text, std::size_t most) {
    sim_.Spawn(Send(ends_.first, std::move(text)));
    return sim_.Run(ReadAll(ends_.second, most));
  }

  Simulator sim_;
  std::pair<MemoryStream, MemoryStream> ends_ = MakeMemoryPipe();
};

TEST_F(ReadAllTest, GivesEverythingUntilTheEnd) {
  const std::string text(3'000'000, 'x');

  const absl::StatusOr<std::string> got = Read(text, kNoLimit);

  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(*got == text) << got->size();
}

// Gives some, and has no memory then.
class StarvingStream {
 public:
  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into) {
    if (std::exchange(starved_, true)) throw std::bad_alloc();
    into[0] = std::byte{'x'};
    co_return std::size_t{1};
  }

 private:
  bool starved_ = false;
};

TEST_F(ReadAllTest, WhereReadingThrowsThereIsWhatWasRead) {
  StarvingStream stream;
  std::string text = "before: ";

  EXPECT_THROW(static_cast<void>(sim_.Run(AppendAll(stream, text, kNoLimit))),
               std::bad_alloc);

  EXPECT_EQ(text, "before: x");
}

TEST_F(ReadAllTest, OfAStreamThatHasEndedIsEmpty) {
  EXPECT_EQ(*Read("", 10), "");
}

TEST_F(ReadAllTest, PutsPiecesTogether) {
  ends_.second.SetLargestRead(1);

  EXPECT_EQ(*Read("one at a time", 100), "one at a time");
}

TEST_F(ReadAllTest, TakesAsMuchAsTheLimitAllows) {
  EXPECT_EQ(*Read("0123456789", 10), "0123456789");
}

TEST_F(ReadAllTest, RefusesAByteMore) {
  const absl::StatusOr<std::string> got = Read("0123456789!", 10);

  EXPECT_EQ(got.status(), absl::ResourceExhaustedError(
                              "read to the end: more than 10 bytes"));
}

TEST_F(ReadAllTest, ALimitOfNothingAllowsTheEndAlone) {
  EXPECT_EQ(*Read("", 0), "");
}

TEST_F(ReadAllTest, AppendsAndKeepsWhatItHasWhereItFails) {
  ends_.second.FailReadsAfter(4, absl::DataLossError("gone"));
  std::string text = "so far: ";
  sim_.Spawn(Send(ends_.first, "0123456789"));

  const absl::Status status = sim_.Run(AppendAll(ends_.second, text, 100));

  EXPECT_EQ(status, absl::DataLossError("gone"));
  EXPECT_EQ(text, "so far: 0123");
}

TEST_F(ReadAllTest, KeepsAsMuchAsTheLimitAllowsWhereThereIsMore) {
  std::string text = "so far: ";
  sim_.Spawn(Send(ends_.first, "0123456789"));

  const absl::Status status = sim_.Run(AppendAll(ends_.second, text, 12));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(text, "so far: 0123");
}

TEST_F(ReadAllTest, ACancelledOneLeavesWhatWasRead) {
  std::string text;
  JoinHandle<absl::Status> reading =
      sim_.SpawnJoinable(AppendAll(ends_.second, text, 100));
  constexpr std::string_view kSome = "some";
  ASSERT_EQ(sim_.Run(WriteAll(ends_.first, std::as_bytes(std::span(kSome)))),
            absl::OkStatus());
  sim_.RunUntilIdle();

  reading.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(reading.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(text, "some");
}

}  // namespace
}  // namespace weft::net
