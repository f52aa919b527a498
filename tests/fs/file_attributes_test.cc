// Tests of what a file is told about itself: room, advice, permissions, times.
// In simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/file_times.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;
using ::weft::reactor::FileAdvice;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

constexpr OpenOptions kReadWrite = {.access = Access::kReadWrite};
constexpr absl::Time kLongAgo = absl::FromUnixSeconds(1'000'000'000);

class FileAttributesTest : public ::testing::Test {
 protected:
  FileAttributesTest() { directory_.Write("file", "0123456789"); }

  // Opens the file in a simulation of `system` and runs test(file).
  template <typename Test>
  absl::Status WithFile(SimulatedSystem& system, Test test) {
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(OpenAndRun<Test>(directory_ / "file", std::move(test)));
  }

  TemporaryDirectory directory_;
  HaltingSystem halting_;
  SimulatedSystem system_;

 private:
  template <typename Test>
  static Task<absl::Status> OpenAndRun(std::string path, Test test) {
    File file = co_await OrReturn(File::Open(path, kReadWrite));
    co_return co_await test(file);
  }
};

TEST_F(FileAttributesTest, ReservesRoomBehindTheEndAsZeros) {
  const absl::Status status =
      WithFile(halting_, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.Allocate(8, 4));
        Metadata about = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(about.size, 12U);
        EXPECT_EQ(file.cursor(), 0U);
        co_return co_await file.Allocate(100, 0);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), std::string("0123456789\0\0", 12));
}

TEST_F(FileAttributesTest, SaysThatThereIsNoRoomOrNoWayToReserveIt) {
  class NoRoom : public SimulatedSystem {
   public:
    int fallocate(int, off_t, off_t) override {
      errno = error;
      return -1;
    }
    int error = ENOSPC;
  } system;
  auto allocate = [](File& file) -> Task<absl::Status> {
    co_return co_await file.Allocate(0, 1 << 20);
  };

  const absl::Status full = WithFile(system, allocate);
  system.error = EOPNOTSUPP;
  const absl::Status unable = WithFile(system, allocate);

  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("fallocate(\""));
  EXPECT_EQ(unable.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(directory_.Read("file"), "0123456789");
}

TEST_F(FileAttributesTest, RefusesRoomThatNoFileHas) {
  const absl::Status status =
      WithFile(system_, [](File& file) -> Task<absl::Status> {
        co_return co_await file.Allocate(
            0, std::numeric_limits<std::uint64_t>::max());
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileAttributesTest, PassesEveryAdviceOn) {
  class Listening : public SimulatedSystem {
   public:
    int fadvise(int fd, off_t at, off_t size, FileAdvice advice) override {
      heard.emplace_back(advice);
      return SimulatedSystem::fadvise(fd, at, size, advice);
    }
    std::vector<FileAdvice> heard;
  } system;
  const std::vector<FileAdvice> all = {
      FileAdvice::kNormal, FileAdvice::kSequential, FileAdvice::kRandom,
      FileAdvice::kWillNeed, FileAdvice::kDontNeed};

  const absl::Status status =
      WithFile(system, [&all](File& file) -> Task<absl::Status> {
        for (const FileAdvice advice : all) {
          co_await OrReturn(file.Advise(0, 0, advice));
        }
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.heard, all);
}

TEST_F(FileAttributesTest, SetsPermissionsWhateverTheUmaskIs) {
  const mode_t before = ::umask(077);
  const absl::Status status =
      WithFile(halting_, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.SetPermissions(0754));
        Metadata about = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(about.permissions, 0754U);
        co_return absl::OkStatus();
      });
  ::umask(before);

  EXPECT_EQ(status, absl::OkStatus());
}

// To whom it belongs already: that nobody is forbidden.
TEST_F(FileAttributesTest, SetsTheOwner) {
  const absl::Status status =
      WithFile(halting_, [](File& file) -> Task<absl::Status> {
        Metadata before = co_await OrReturn(file.GetMetadata());
        const FileOwner user = {.user = before.user};
        co_await OrReturn(file.SetOwner(user));
        const FileOwner group = {.user = {}, .group = before.group};
        co_await OrReturn(file.SetOwner(group));
        Metadata after = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(after.user, before.user);
        EXPECT_EQ(after.group, before.group);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileAttributesTest, SaysThatItCannotBeGivenAway) {
  class Strict : public SimulatedSystem {
   public:
    int fchown(int, uid_t user, gid_t group) override {
      EXPECT_EQ(user, 7U);
      EXPECT_EQ(group, 8U);
      errno = EPERM;
      return -1;
    }
  } system;
  const absl::Status status =
      WithFile(system, [](File& file) -> Task<absl::Status> {
        const FileOwner owner = {.user = 7, .group = 8};
        co_return co_await file.SetOwner(owner);
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(std::string(status.message()),
            "fchown(\"" + directory_ / "file" + "\"): Operation not permitted");
}

TEST_F(FileAttributesTest, SetsOneTimeAndLeavesTheOther) {
  const absl::Status status =
      WithFile(halting_, [](File& file) -> Task<absl::Status> {
        const FileTimes both = {.accessed = kLongAgo, .modified = kLongAgo};
        co_await OrReturn(file.SetTimes(both));
        const FileTimes one = {.accessed = {},
                               .modified = kLongAgo + absl::Milliseconds(5)};
        co_await OrReturn(file.SetTimes(one));
        Metadata about = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(about.accessed, kLongAgo);
        EXPECT_EQ(about.modified, kLongAgo + absl::Milliseconds(5));
        EXPECT_GT(about.changed, kLongAgo);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileAttributesTest, ChangesNothingOnceItIsClosed) {
  const absl::Status status =
      WithFile(system_, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.Close());
        co_return co_await file.SetPermissions(0600);
      });

  EXPECT_EQ(reactor::ErrnoOf(status), EBADF);
}

}  // namespace
}  // namespace weft::fs
