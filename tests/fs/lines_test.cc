// Tests of the lines of a file. In simulation, on real files, with buffers of
// all sizes and reads of one byte.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/lines.h"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

using Lines = std::vector<std::string>;

Task<absl::Status> AppendLines(File& file, LinesOptions options, Lines& into) {
  AsyncGenerator<absl::StatusOr<std::string_view>> lines =
      ReadLines(file, options);
  while (std::optional<absl::StatusOr<std::string_view>> line =
             co_await lines.Next()) {
    const std::string_view text = co_await OrReturn(*std::move(line));
    into.emplace_back(text);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReadInto(std::string path, LinesOptions options,
                            Lines& into) {
  File file = co_await OrReturn(File::Open(path));
  co_return co_await AppendLines(file, options, into);
}

class LinesTest : public ::testing::Test {
 protected:
  absl::Status ReadInto(std::string_view contents, LinesOptions options,
                        Lines& into, SimulatedSystem& system) {
    directory_.Write("file", contents);
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(fs::ReadInto(directory_ / "file", options, into));
  }
  Lines Read(std::string_view contents, LinesOptions options = {}) {
    Lines lines;
    EXPECT_EQ(ReadInto(contents, options, lines, system_), absl::OkStatus());
    return lines;
  }

  TemporaryDirectory directory_;
  SimulatedSystem system_;
};

TEST_F(LinesTest, GivesEveryLineWithoutItsEnd) {
  EXPECT_THAT(Read("one\ntwo\n\nfour\n"),
              ElementsAre("one", "two", "", "four"));
}

TEST_F(LinesTest, ALastLineNeedsNoEnd) {
  EXPECT_THAT(Read("one\ntwo"), ElementsAre("one", "two"));
  EXPECT_THAT(Read("\n"), ElementsAre(""));
  EXPECT_THAT(Read(""), IsEmpty());
}

TEST_F(LinesTest, TreatsCarriageReturnsAsItIsTold) {
  const std::string_view text = "one\r\ntwo\n\rthree\r\n\r\nfour\r";

  EXPECT_THAT(Read(text),
              ElementsAre("one\r", "two", "\rthree\r", "\r", "four\r"));
  EXPECT_THAT(Read(text, {.ends = LineEnds::kCutCarriage}),
              ElementsAre("one", "two", "\rthree", "", "four\r"));
  EXPECT_THAT(Read(text, {.ends = LineEnds::kKeep}),
              ElementsAre("one\r\n", "two\n", "\rthree\r\n", "\r\n", "four\r"));
}

TEST_F(LinesTest, KeepsZeroBytes) {
  EXPECT_THAT(Read(std::string_view("a\0b\n\0", 5)),
              ElementsAre(std::string("a\0b", 3), std::string(1, '\0')));
}

TEST_F(LinesTest, GivesTheSameLinesWhateverTheBufferHolds) {
  Lines expected;
  std::string text;
  for (int i = 0; i < 200; ++i) {
    expected.emplace_back(static_cast<std::size_t>(i * 7 % 41), 'a' + i % 26);
    absl::StrAppend(&text, expected.back(), "\n");
  }

  for (const std::size_t size : {0, 1, 2, 3, 7, 40, 41, 42, 64, 1000}) {
    EXPECT_EQ(Read(text, {.buffer_size = size}), expected);
  }
}

TEST_F(LinesTest, GoesOnThroughInterruptsByteByByte) {
  HaltingSystem system;
  Lines lines;

  EXPECT_EQ(ReadInto("one\r\ntwo\nthree", {.ends = LineEnds::kCutCarriage},
                     lines, system),
            absl::OkStatus());

  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
}

TEST_F(LinesTest, RefusesALineThatIsTooLongWithOrWithoutItsEnd) {
  for (const std::size_t size : {1, 4, 100}) {
    for (const char* text :
         {"123\n1234\n5\n", "123\n1234", "123\n1234\r\n", "123\n12345678901"}) {
      Lines lines;
      const absl::Status status = ReadInto(text,
                                           {.ends = LineEnds::kCutCarriage,
                                            .max_length = 3,
                                            .buffer_size = size},
                                           lines, system_);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << text;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr("file\"): a line is longer than 3 bytes"));
      EXPECT_THAT(lines, ElementsAre("123"));
    }
  }
}

TEST_F(LinesTest, ALineMayBeAsLongAsTheLimit) {
  for (const std::size_t size : {1, 3, 5, 100}) {
    EXPECT_THAT(Read("123\r\n456\n789", {.ends = LineEnds::kCutCarriage,
                                         .max_length = 3,
                                         .buffer_size = size}),
                ElementsAre("123", "456", "789"));
  }
}

TEST_F(LinesTest, TheBufferGrowsToALineOfTheLimitAndItsEnd) {
  class Watching : public SimulatedSystem {
   public:
    ssize_t pread_nowait(int fd, void* into, std::size_t size,
                         off_t offset) override {
      largest = std::max(largest, size);
      return SimulatedSystem::pread_nowait(fd, into, size, offset);
    }
    std::size_t largest = 0;
  } system;
  const std::string line(1100, 'x');
  Lines lines;

  EXPECT_EQ(ReadInto(absl::StrCat(line, "\n", line, "\n"),
                     {.max_length = 1100, .buffer_size = 64}, lines, system),
            absl::OkStatus());

  EXPECT_THAT(lines, ElementsAre(line, line));
  EXPECT_EQ(system.largest, 1102);
}

TEST_F(LinesTest, TheLimitMayBeTheLargestNumber) {
  constexpr LinesOptions kUnlimited = {
      .max_length = std::numeric_limits<std::size_t>::max(), .buffer_size = 2};

  EXPECT_THAT(Read("one\ntwo", kUnlimited), ElementsAre("one", "two"));
}

TEST_F(LinesTest, GoesOnWithWhatIsAddedLater) {
  auto follow = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "one\ntw");
    File file = co_await OrReturn(File::Open(in / "file"));
    const LinesOptions keep = {.ends = LineEnds::kKeep};
    Lines lines;
    co_await OrReturn(AppendLines(file, keep, lines));
    EXPECT_THAT(lines, ElementsAre("one\n", "tw"));
    in.Write("file", "one\ntwo\nthree\n");
    lines.clear();
    co_await OrReturn(AppendLines(file, keep, lines));
    EXPECT_THAT(lines, ElementsAre("o\n", "three\n"));
    co_return absl::OkStatus();
  };
  Simulator sim;

  EXPECT_EQ(sim.Run(follow(directory_)), absl::OkStatus());
}

TEST_F(LinesTest, AnErrorIsTheLastItem) {
  class Failing : public SimulatedSystem {
   public:
    ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                         off_t at) override {
      return pread(fd, buffer, size, at);
    }
    ssize_t pread(int fd, void* buffer, std::size_t, off_t at) override {
      if (at < 8) return SimulatedSystem::pread(fd, buffer, 4, at);
      errno = EIO;
      return -1;
    }
  } system;
  Lines lines;

  const absl::Status status = ReadInto("one\ntwo\nthree\n", {}, lines, system);

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST_F(LinesTest, CancelledIsTheLastItem) {
  directory_.Write("file", "one\ntwo\nthree\n");
  Lines lines;

  const int cancelled = CancelAtEveryCall(
      [&] {
        lines.clear();
        return fs::ReadInto(directory_ / "file", {}, lines);
      },
      [&](const absl::Status& status) {
        if (!status.ok()) return;
        EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
      });

  EXPECT_GE(cancelled, 5);
}

}  // namespace
}  // namespace weft::fs
