// Tests of ReadSmallFile.
//
// SPDX-License-Identifier: MIT

#include "weft/net/small_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/faulting_system.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;
using ::weft::tests::Fault;
using ::weft::tests::FaultingSystem;

TEST(SmallFileTest, IsReadWhole) {
  const TemporaryDirectory folder;
  const std::string text(10'000, 'x');
  folder.Write("file", text);
  folder.Write("empty", "");
  const int before = OpenDescriptors();

  EXPECT_TRUE(ReadSmallFile(folder / "file", text.size()).value() == text);
  EXPECT_EQ(ReadSmallFile(folder / "empty", 0).value(), "");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(SmallFileTest, SaysWhatItCannotRead) {
  const TemporaryDirectory folder;
  folder.Write("file", "four");

  const auto none = ReadSmallFile(folder / "none", 10).status();
  const auto large = ReadSmallFile(folder / "file", 3).status();
  const auto no_file = ReadSmallFile(folder.path(), 10).status();
  const auto no_path = ReadSmallFile(std::string("a\0b", 3), 10).status();

  EXPECT_EQ(reactor::ErrnoOf(none), ENOENT);
  EXPECT_THAT(none.message(), HasSubstr("open(\"" + folder / "none"));
  EXPECT_EQ(large.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(reactor::ErrnoOf(no_file), EISDIR);
  EXPECT_EQ(no_path.code(), absl::StatusCode::kInvalidArgument);
}

// What a shell puts in place of `<(command)`.
TEST(SmallFileTest, APipeIsReadToItsEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ASSERT_EQ(::write(ends[1], "piped", 5), 5);
  ::close(ends[1]);

  const auto text = ReadSmallFile(absl::StrCat("/dev/fd/", ends[0]), 10);

  ::close(ends[0]);
  EXPECT_EQ(text.value(), "piped");
}

TEST(SmallFileTest, APipeThatNobodyHasOpenedToWriteIsNoEmptyFile) {
  const TemporaryDirectory folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);

  const absl::Status status = ReadSmallFile(path, 10).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(status.message()),
            "read(\"" + path + "\"): a pipe into which nobody has written");
}

// Through the runtime's system.
absl::StatusOr<std::string> ReadWith(const Fault& fault, std::string path) {
  FaultingSystem system;
  Simulator sim({.system = &system});
  absl::StatusOr<std::string> text;
  auto read = [&]() -> Task<absl::Status> {
    text = ReadSmallFile(path, 10);
    co_return text.status();
  };
  system.Begin({fault});
  sim.Run(read()).IgnoreError();  // It is in `text`.
  system.End();
  EXPECT_EQ(system.happened(), 1) << ToString(fault);
  return text;
}

TEST(SmallFileTest, FaultsAreBorneOrTold) {
  const TemporaryDirectory folder;
  folder.Write("file", "text");
  const std::string path = folder / "file";

  for (const char* const call : {"open", "read"}) {
    EXPECT_EQ(*ReadWith({.call = call, .error = EINTR}, path), "text");
    EXPECT_EQ(
        reactor::ErrnoOf(ReadWith({.call = call, .error = EIO}, path).status()),
        EIO);
  }
  EXPECT_EQ(*ReadWith({.call = "read", .error = EAGAIN}, path), "text")
      << "a pipe that has nothing yet is waited for";
  EXPECT_EQ(*ReadWith({.call = "read", .most = 1}, path), "text");
}

}  // namespace
}  // namespace weft::net
