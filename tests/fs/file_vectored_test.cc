// Tests of reads and writes of several parts at once, and of several at the
// same time. In simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/byte_parts.h"
#include "weft/fs/file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/fs/numbers.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

constexpr OpenOptions kReadWrite = {.access = Access::kReadWrite};

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::span<std::byte> Room(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

// Opens the file and runs test(file).
template <typename Test>
Task<absl::Status> WithFile(std::string path, OpenOptions options, Test test) {
  File file = co_await OrReturn(File::Open(path, options));
  co_return co_await test(file);
}

class FileVectoredTest : public ::testing::Test {
 protected:
  FileVectoredTest() { directory_.Write("file", "0123456789"); }

  template <typename Test>
  absl::Status Run(SimulatedSystem& system, OpenOptions options, Test test) {
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(WithFile(directory_ / "file", options, std::move(test)));
  }

  TemporaryDirectory directory_;
  SimulatedSystem system_;
};

// Whether or not the file system knows what it has cached.
class PoolOnly : public SimulatedSystem {
 public:
  ssize_t preadv_nowait(int, const iovec*, int, off_t) override {
    errno = EAGAIN;
    return -1;
  }
};

Task<absl::Status> ReadInParts(File& file) {
  std::string first(3, '.');
  std::string second(4, '.');
  const std::array<std::span<std::byte>, 3> parts = {
      Room(first), std::span<std::byte>(), Room(second)};
  std::size_t got = co_await OrReturn(file.ReadVectoredAt(parts, 2));
  EXPECT_EQ(got, 7U);
  EXPECT_EQ(absl::StrCat(first, "|", second), "234|5678");
  EXPECT_EQ(file.cursor(), 0U);
  got = co_await OrReturn(file.ReadVectored(parts));
  EXPECT_EQ(absl::StrCat(first, "|", second), "012|3456");
  EXPECT_EQ(file.cursor(), 7U);
  got = co_await OrReturn(file.ReadVectored(parts));
  EXPECT_EQ(got, 3U);
  got = co_await OrReturn(file.ReadVectored(parts));
  EXPECT_EQ(got, 0U);
  co_return absl::OkStatus();
}

TEST_F(FileVectoredTest, ReadsIntoOnePartAfterTheOther) {
  PoolOnly uncached;

  EXPECT_EQ(Run(system_, {}, ReadInParts), absl::OkStatus());
  EXPECT_EQ(Run(uncached, {}, ReadInParts), absl::OkStatus());
}

// As macOS answers to no parts at all (readv(2), writev(2)).
class WantsParts : public PoolOnly {
 public:
  ssize_t preadv(int fd, const iovec* parts, int count, off_t at) override {
    if (count == 0) return Refuse();
    return PoolOnly::preadv(fd, parts, count, at);
  }
  ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) override {
    if (count == 0) return Refuse();
    return PoolOnly::pwritev(fd, parts, count, at);
  }
  ssize_t writev(int fd, const iovec* parts, int count) override {
    return count == 0 ? Refuse() : PoolOnly::writev(fd, parts, count);
  }

 private:
  static ssize_t Refuse() {
    errno = EINVAL;
    return -1;
  }
};

Task<absl::Status> ReadIntoNothing(File& file) {
  const std::array<std::span<std::byte>, 2> empty;
  std::size_t got = co_await OrReturn(file.ReadVectored({}));
  EXPECT_EQ(got, 0U);
  got = co_await OrReturn(file.ReadVectored(empty));
  EXPECT_EQ(got, 0U);
  co_return absl::OkStatus();
}

TEST_F(FileVectoredTest, ReadsNothingIntoNothing) {
  WantsParts strict;

  EXPECT_EQ(Run(system_, {}, ReadIntoNothing), absl::OkStatus());
  EXPECT_EQ(Run(strict, {}, ReadIntoNothing), absl::OkStatus());
}

Task<absl::Status> WriteNothing(File& file) {
  const std::array<std::span<const std::byte>, 2> empty;
  std::size_t written = co_await OrReturn(file.WriteVectored({}));
  EXPECT_EQ(written, 0U);
  written = co_await OrReturn(file.WriteVectored(empty));
  EXPECT_EQ(written, 0U);
  co_return absl::OkStatus();
}

TEST_F(FileVectoredTest, WritesNothingFromNothing) {
  WantsParts strict;

  EXPECT_EQ(Run(strict, kReadWrite, WriteNothing), absl::OkStatus());
  EXPECT_EQ(Run(strict, kAppend, WriteNothing), absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789");
}

TEST_F(FileVectoredTest, WritesOnePartAfterTheOther) {
  const absl::Status status =
      Run(system_, kReadWrite, [](File& file) -> Task<absl::Status> {
        const std::array<std::span<const std::byte>, 3> parts = {
            Bytes("ab"), Bytes(""), Bytes("cde")};
        std::size_t written = co_await OrReturn(file.WriteVectoredAt(parts, 4));
        EXPECT_EQ(written, 5U);
        written = co_await OrReturn(file.WriteVectored(parts));
        EXPECT_EQ(file.cursor(), written);
        written = co_await OrReturn(file.WriteVectored({}));
        EXPECT_EQ(written, 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "abcdebcde9");
}

TEST_F(FileVectoredTest, AppendsPartsWhereverTheyAreToGo) {
  const absl::Status status =
      Run(system_, kAppend, [](File& file) -> Task<absl::Status> {
        const std::array<std::span<const std::byte>, 2> parts = {Bytes("a"),
                                                                 Bytes("b")};
        std::size_t written = co_await OrReturn(file.WriteVectoredAt(parts, 0));
        EXPECT_EQ(written, 2U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789ab");
}

TEST_F(FileVectoredTest, TakesSixteenPartsAtATime) {
  const std::vector<std::span<const std::byte>> parts(20, Bytes("x"));
  const absl::Status status =
      Run(system_, kReadWrite, [&parts](File& file) -> Task<absl::Status> {
        std::size_t written = co_await OrReturn(file.WriteVectored(parts));
        EXPECT_EQ(written, 16U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileVectoredTest, GoesOnThroughInterruptsByteByByte) {
  HaltingSystem system;
  const absl::Status status =
      Run(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        const std::array<std::span<const std::byte>, 2> parts = {Bytes("ab"),
                                                                 Bytes("c")};
        std::size_t moved = co_await OrReturn(file.WriteVectored(parts));
        EXPECT_EQ(moved, 1U);
        std::string text(2, '.');
        const std::array<std::span<std::byte>, 1> room = {Room(text)};
        moved = co_await OrReturn(file.ReadVectoredAt(room, 0));
        EXPECT_EQ(text.substr(0, moved), "a");
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileVectoredTest, SaysWhichCallFailed) {
  class Failing : public PoolOnly {
   public:
    ssize_t preadv(int, const iovec*, int, off_t) override {
      errno = EIO;
      return -1;
    }
    ssize_t pwritev(int, const iovec*, int, off_t) override {
      errno = EDQUOT;
      return -1;
    }
  } system;
  const std::string path = directory_ / "file";
  const absl::Status status =
      Run(system, kReadWrite, [&path](File& file) -> Task<absl::Status> {
        std::string text(2, '.');
        const std::array<std::span<std::byte>, 1> room = {Room(text)};
        absl::StatusOr<std::size_t> got = co_await file.ReadVectored(room);
        EXPECT_EQ(std::string(got.status().message()),
                  "preadv(\"" + path + "\"): Input/output error");
        const std::array<std::span<const std::byte>, 1> parts = {Bytes("a")};
        got = co_await file.WriteVectored(parts);
        EXPECT_EQ(got.status().code(), absl::StatusCode::kResourceExhausted);
        EXPECT_EQ(std::string(got.status().message()),
                  "pwritev(\"" + path + "\"): Disk quota exceeded");
        EXPECT_EQ(file.cursor(), 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Several at a time ------------------------------------------------------

Task<absl::Status> CopyPart(const File& from, const File& to, std::size_t at) {
  std::string text(100, '.');
  co_await OrReturn(from.ReadExactlyAt(Room(text), at));
  co_return co_await to.WriteAllAt(Bytes(text), at);
}

Task<absl::Status> CopyInParts(std::string from, std::string to) {
  const File source = co_await OrReturn(File::Open(from));
  const File copy = co_await OrReturn(File::Open(to, kReplace));
  std::vector<Task<absl::Status>> parts;
  for (std::size_t at = 0; at < 1000; at += 100) {
    parts.push_back(CopyPart(source, copy, at));
  }
  std::vector<absl::Status> copied = co_await WhenAll(std::move(parts));
  for (const absl::Status& each : copied) EXPECT_EQ(each, absl::OkStatus());
  co_return absl::OkStatus();
}

TEST_F(FileVectoredTest, PositionedReadsAndWritesOfOneFileMayRunAtATime) {
  const std::string contents = Numbers(1000);
  directory_.Write("from", contents);

  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    Simulator sim(seed);
    EXPECT_EQ(sim.Run(CopyInParts(directory_ / "from", directory_ / "to")),
              absl::OkStatus());
    EXPECT_EQ(directory_.Read("to"), contents);
  }
}

// --- Cancellation -----------------------------------------------------------

Task<absl::Status> AppendParts(std::string path, std::uint64_t& cursor) {
  File file = co_await OrReturn(File::Open(path, kReplace));
  const std::array<std::span<const std::byte>, 2> parts = {Bytes("ab"),
                                                           Bytes("c")};
  for (int i = 0; i < 3; ++i) {
    std::size_t written = co_await OrReturn(file.WriteVectored(parts));
    EXPECT_EQ(written, 3U);
    cursor = file.cursor();
  }
  co_return absl::OkStatus();
}

TEST_F(FileVectoredTest, ACancelledWriteHasWrittenNothing) {
  std::uint64_t cursor = 0;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory_.Write("file", "");
        cursor = 0;
        return AppendParts(directory_ / "file", cursor);
      },
      [&](const absl::Status&) {
        EXPECT_EQ(directory_.Read("file").size(), cursor);
      });

  EXPECT_GE(cancelled, 4);
}

}  // namespace
}  // namespace weft::fs
