// A disk that really fills up: a small file system in memory, mounted where
// nobody else sees it, by a second run of this program.
//
// SPDX-License-Identifier: MIT

#include <sys/wait.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/copy_file.h"
#include "weft/fs/file.h"
#include "weft/fs/names.h"
#include "weft/fs/read_file.h"
#include "weft/fs/write_file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// Says to the second run that it is one, and where the disk is.
constexpr char kDisk[] = "WEFT_TEST_SMALL_DISK";

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

// Room that is reserved, a copy from another disk and a write in parts.
Task<absl::Status> FillByOtherMeans(std::string disk) {
  File file = co_await OrReturn(File::Open(disk + "/file", kReplace));
  absl::Status reserved = co_await file.Allocate(0, 200'000);
  EXPECT_EQ(reserved.code(), absl::StatusCode::kResourceExhausted);

  File large = co_await OrReturn(File::Open(disk + ".large", kReplace));
  co_await OrReturn(large.Truncate(200'000));
  absl::StatusOr<std::uint64_t> copied =
      co_await CopyFile(disk + ".large", disk + "/copy");
  EXPECT_EQ(copied.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(NamesIn(disk), ElementsAre("file", "settings"));

  const std::string bulk(50'000, 'x');
  const std::span<const std::byte> part = std::as_bytes(std::span(bulk));
  const std::array<std::span<const std::byte>, 2> parts = {part, part};
  absl::StatusOr<std::size_t> taken = co_await file.WriteVectored(parts);
  while (taken.ok()) taken = co_await file.WriteVectored(parts);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kResourceExhausted);
  co_return co_await RemoveFile(disk + "/file");
}

Task<absl::Status> FillTheDisk(std::string disk) {
  const std::string settings = disk + "/settings";
  const std::string bulk(200'000, 'x');

  co_await OrReturn(WriteFileAtomically(settings, "old"));
  absl::Status replaced = co_await WriteFileAtomically(settings, bulk);
  EXPECT_EQ(replaced.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(replaced.message()),
              HasSubstr("settings\"): No space left on device"));
  std::string kept = co_await OrReturn(ReadFile(settings));
  EXPECT_EQ(kept, "old");
  EXPECT_THAT(NamesIn(disk), ElementsAre("settings"));

  File file = co_await OrReturn(File::Open(disk + "/file", kReplace));
  absl::Status filled = co_await file.WriteAll(std::as_bytes(std::span(bulk)));
  EXPECT_EQ(filled.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_GT(file.cursor(), 0U);
  EXPECT_LT(file.cursor(), bulk.size());
  co_await OrReturn(file.Close());

  co_await OrReturn(RemoveFile(disk + "/file"));
  co_await OrReturn(FillByOtherMeans(disk));
  co_await OrReturn(WriteFileAtomically(settings, "new"));
  kept = co_await OrReturn(ReadFile(settings));
  EXPECT_EQ(kept, "new");
  co_return absl::OkStatus();
}

// What `command` answers to a shell in a mount namespace of its own in which
// `directory` is a disk of 64 KiB.
int RunOnSmallDisk(const std::string& directory, const std::string& command) {
  const int status = std::system(
      absl::StrCat("unshare -m sh -c 'mount -t tmpfs -o size=64k weft ",
                   directory, " && ", command, "' > ", directory, ".log 2>&1")
          .c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(FullDiskTest, ReportsAFullDiskAndKeepsWhatWasThere) {
  if (const char* const disk = std::getenv(kDisk)) {
    Simulator sim;
    EXPECT_EQ(sim.Run(FillTheDisk(disk)), absl::OkStatus());
    return;
  }
  TemporaryDirectory directory;
  const std::string disk = directory / "disk";
  std::filesystem::create_directory(disk);
  if (RunOnSmallDisk(disk, "true") != 0) {
    GTEST_SKIP() << "a file system may not be mounted here";
  }
  const std::string self =
      std::filesystem::read_symlink("/proc/self/exe").string();

  const int answer =
      RunOnSmallDisk(disk, absl::StrCat(kDisk, "=", disk, " exec ", self,
                                        " --gtest_filter=FullDiskTest.*"));

  EXPECT_EQ(answer, 0) << directory.Read("disk.log");
}

}  // namespace
}  // namespace weft::fs
