// Tests of writing whole texts into files as they are.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/write_in_place.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/fs/numbers.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// A directory with a file "file" in it that holds "old".
class WriteInPlaceTest : public ::testing::Test {
 protected:
  WriteInPlaceTest() { directory_.Write("file", "old"); }

  mode_t Permissions(std::string_view name) const {
    struct stat about{};
    EXPECT_EQ(::stat((directory_ / name).c_str(), &about), 0);
    return about.st_mode & 0777;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
  Simulator sim_;
};

TEST_F(WriteInPlaceTest, WritesOverWhatWasThere) {
  const int before = OpenDescriptors();

  EXPECT_EQ(sim_.Run(WriteFile(path_, "n")), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "n");
  EXPECT_THAT(directory_.Names(), ElementsAre("file"));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WriteInPlaceTest, AppendsToWhatIsThere) {
  EXPECT_EQ(sim_.Run(AppendToFile(path_, " and")), absl::OkStatus());
  EXPECT_EQ(sim_.Run(AppendToFile(path_, " new")), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "old and new");
}

TEST_F(WriteInPlaceTest, MakesAFileThatIsMissingWithItsPermissions) {
  EXPECT_EQ(sim_.Run(WriteFile(directory_ / "a", "1", {.permissions = 0600})),
            absl::OkStatus());
  EXPECT_EQ(
      sim_.Run(AppendToFile(directory_ / "b", "2", {.permissions = 0640})),
      absl::OkStatus());

  EXPECT_EQ(directory_.Read("a"), "1");
  EXPECT_EQ(Permissions("a"), 0600U);
  EXPECT_EQ(directory_.Read("b"), "2");
  EXPECT_EQ(Permissions("b"), 0640U);
}

TEST_F(WriteInPlaceTest, LeavesAFileThePermissionsThatItHas) {
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);

  EXPECT_EQ(sim_.Run(WriteFile(path_, "new", {.permissions = 0600})),
            absl::OkStatus());

  EXPECT_EQ(Permissions("file"), 0640U);
}

TEST_F(WriteInPlaceTest, WritesNothingIntoAnEmptyFile) {
  EXPECT_EQ(sim_.Run(WriteFile(path_, "")), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "");
}

TEST_F(WriteInPlaceTest, FollowsALink) {
  const std::string link = directory_ / "link";
  ASSERT_EQ(::symlink("file", link.c_str()), 0);

  EXPECT_EQ(sim_.Run(WriteFile(link, "new")), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "new");
}

TEST_F(WriteInPlaceTest, WritesAsMuchAsThereIs) {
  const std::string contents = Numbers(3'500'000);

  EXPECT_EQ(sim_.Run(WriteFile(path_, contents)), absl::OkStatus());

  EXPECT_TRUE(directory_.Read("file") == contents);
}

TEST_F(WriteInPlaceTest, WritesSingleBytesThroughInterrupts) {
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  const std::string contents = Numbers(10'000);

  EXPECT_EQ(sim.Run(WriteFile(path_, contents)), absl::OkStatus());

  EXPECT_TRUE(directory_.Read("file") == contents);
}

// What other programs append meanwhile comes before it or behind it.
TEST_F(WriteInPlaceTest, AppendsAMebibyteInOneCall) {
  class Counting : public SimulatedSystem {
   public:
    ssize_t write(int fd, const void* buffer, std::size_t size) override {
      ++writes;
      return SimulatedSystem::write(fd, buffer, size);
    }
    int writes = 0;
  } system;
  Simulator sim({.seed = {}, .system = &system});
  const std::string contents = Numbers(std::size_t{1} << 20);

  EXPECT_EQ(sim.Run(AppendToFile(path_, contents)), absl::OkStatus());

  EXPECT_EQ(system.writes, 1);
  EXPECT_TRUE(directory_.Read("file") == "old" + contents);
}

TEST_F(WriteInPlaceTest, SaysWhatItCouldNotOpen) {
  const absl::Status missing = sim_.Run(WriteFile("/nope/file", "new"));
  const absl::Status directory = sim_.Run(AppendToFile(directory_.path(), "x"));
  const absl::Status zero =
      sim_.Run(WriteFile(std::string_view("a\0b", 3), "new"));

  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(missing.message()),
            "open(\"/nope/file\"): No such file or directory");
  EXPECT_EQ(directory.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(zero.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WriteInPlaceTest, RefusesAPipe) {
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);

  const absl::Status status = sim_.Run(WriteFile(pipe, "new"));

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a pipe is no file"));
}

// A close is where some file systems say that there is no room.
TEST_F(WriteInPlaceTest, ReportsWhatTheCloseSays) {
  class Full : public SimulatedSystem {
   public:
    int close(int fd) override {
      const int answer = SimulatedSystem::close(fd);
      if (!std::exchange(fails_, false)) return answer;
      errno = ENOSPC;
      return -1;
    }

   private:
    bool fails_ = true;
  } system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status = sim.Run(WriteFile(path_, "new"));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "close(\"" + path_ + "\"): No space left on device");
}

Task<absl::Status> WriteAndAppend(const std::string& path,
                                  std::string_view contents) {
  co_await OrReturn(WriteFile(path, contents));
  co_return co_await AppendToFile(path, "!");
}

TEST_F(WriteInPlaceTest, ACancelledWriteLeavesAPartFromTheBeginning) {
  constexpr std::size_t kMebibyte = std::size_t{1} << 20;
  const std::string contents = Numbers(3 * kMebibyte - 1);
  std::set<std::size_t> sizes;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory_.Write("file", "old");
        return WriteAndAppend(path_, contents);
      },
      [&](const absl::Status& status) {
        const std::string found = directory_.Read("file");
        EXPECT_EQ(status.ok(), found.size() == 3 * kMebibyte);
        EXPECT_TRUE(found == "old" || (contents + "!").starts_with(found));
        sizes.insert(found.size());
      });

  // Before it began, while it was opened, and while it was closed.
  EXPECT_GE(cancelled, 3);
  EXPECT_THAT(sizes,
              ElementsAre(3, kMebibyte, 3 * kMebibyte - 1, 3 * kMebibyte));
}

}  // namespace
}  // namespace weft::fs
