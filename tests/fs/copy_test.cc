// Tests of copying: ranges between files, and whole files. In simulation, on
// real files, and with kernels that cannot copy or fail while they do.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/copy_file.h"
#include "weft/fs/copy_range.h"
#include "weft/fs/file.h"
#include "weft/fs/metadata.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
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
using TestDirectory = ::weft::testing::TemporaryDirectory;

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

// A kernel whose copy_file_range answers `error`, and counts who asks.
class WithoutCopy : public SimulatedSystem {
 public:
  explicit WithoutCopy(int error) : error_(error) {}

  ssize_t copy_file_range(int, off_t, int, off_t, std::size_t) override {
    ++asked;
    errno = error_;
    return -1;
  }

  int asked = 0;

 private:
  const int error_;
};

// --- Ranges -----------------------------------------------------------------

Task<absl::StatusOr<std::uint64_t>> CopyBetween(
    std::string from, std::uint64_t from_offset, std::string to,
    std::uint64_t to_offset, std::uint64_t size, OpenOptions options) {
  File source = co_await OrReturn(File::Open(from));
  File copy = co_await OrReturn(File::Open(to, options));
  co_return co_await CopyRange(source, from_offset, copy, to_offset, size);
}

constexpr OpenOptions kReadWrite = {.access = Access::kReadWrite};

class CopyRangeTest : public ::testing::Test {
 protected:
  CopyRangeTest() {
    directory_.Write("from", "0123456789");
    directory_.Write("to", "abcdefgh");
  }

  absl::StatusOr<std::uint64_t> Copy(SimulatedSystem& system, std::uint64_t at,
                                     std::uint64_t to_at, std::uint64_t size,
                                     OpenOptions options = kReadWrite) {
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(CopyBetween(directory_ / "from", at, directory_ / "to",
                               to_at, size, options));
  }

  TestDirectory directory_;
  SimulatedSystem system_;
};

TEST_F(CopyRangeTest, CopiesAPartFromAnywhereToAnywhere) {
  EXPECT_EQ(Copy(system_, 2, 1, 3).value(), 3U);

  EXPECT_EQ(directory_.Read("to"), "a234efgh");
}

TEST_F(CopyRangeTest, CopiesUpToTheEndAndNoFurther) {
  EXPECT_EQ(Copy(system_, 7, 6, kAll - 7).value(), 3U);
  EXPECT_EQ(directory_.Read("to"), "abcdef789");

  EXPECT_EQ(Copy(system_, 10, 0, 5).value(), 0U);
  EXPECT_EQ(Copy(system_, 0, 0, 0).value(), 0U);
  EXPECT_EQ(directory_.Read("to"), "abcdef789");
}

TEST_F(CopyRangeTest, ReadsAndWritesWhereTheKernelCannotCopy) {
  for (const int error : {ENOSYS, ENOTSUP, EOPNOTSUPP, EXDEV, EINVAL, EPERM}) {
    directory_.Write("to", "abcdefgh");
    WithoutCopy system(error);

    EXPECT_EQ(Copy(system, 2, 1, 3).value(), 3U);

    EXPECT_EQ(directory_.Read("to"), "a234efgh");
    EXPECT_EQ(system.asked, 1);
  }
}

TEST_F(CopyRangeTest, GoesOnThroughInterruptsByteByByte) {
  class Reading : public HaltingSystem {
   public:
    ssize_t copy_file_range(int, off_t, int, off_t, std::size_t) override {
      errno = EXDEV;
      return -1;
    }
  } reading;
  HaltingSystem copying;

  EXPECT_EQ(Copy(copying, 0, 8, 10).value(), 10U);
  EXPECT_EQ(directory_.Read("to"), "abcdefgh0123456789");
  EXPECT_EQ(Copy(reading, 5, 0, 5).value(), 5U);
  EXPECT_EQ(directory_.Read("to"), "56789fgh0123456789");
}

TEST_F(CopyRangeTest, RefusesRangesOfOneFileThatOverlap) {
  auto copy = [](std::string path, std::uint64_t at, std::uint64_t to_at,
                 std::uint64_t size) -> Task<absl::StatusOr<std::uint64_t>> {
    File one = co_await OrReturn(File::Open(path));
    File other = co_await OrReturn(File::Open(path, kReadWrite));
    co_return co_await CopyRange(one, at, other, to_at, size);
  };
  Simulator sim;
  const std::string path = directory_ / "from";

  const absl::Status overlap = sim.Run(copy(path, 0, 3, 4)).status();
  const absl::Status backward = sim.Run(copy(path, 3, 0, 4)).status();
  const absl::StatusOr<std::uint64_t> beside = sim.Run(copy(path, 0, 4, 4));

  EXPECT_EQ(overlap.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(backward.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(beside.value(), 4U);
  EXPECT_EQ(directory_.Read("from"), "0123012389");
}

TEST_F(CopyRangeTest, DoesNotCopyIntoAFileThatIsAppendedTo) {
  WithoutCopy without(EXDEV);

  const absl::Status status = Copy(system_, 0, 0, 3, kAppend).status();
  const absl::Status fallback = Copy(without, 0, 0, 3, kAppend).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fallback.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(directory_.Read("to"), "abcdefgh");
}

TEST_F(CopyRangeTest, ReportsWhatEachOfItsCallsSays) {
  WithoutCopy failing(EIO);
  EXPECT_THAT(std::string(Copy(failing, 0, 0, 3).status().message()),
              HasSubstr("copy_file_range(\"" + directory_ / "from" + "\" to"));

  class FailingRead : public WithoutCopy {
   public:
    FailingRead() : WithoutCopy(EXDEV) {}
    ssize_t pread(int, void*, std::size_t, off_t) override {
      errno = EIO;
      return -1;
    }
  } read;
  EXPECT_EQ(std::string(Copy(read, 0, 0, 3).status().message()),
            "pread(\"" + directory_ / "from" + "\"): Input/output error");

  class FailingWrite : public WithoutCopy {
   public:
    FailingWrite() : WithoutCopy(EXDEV) {}
    ssize_t pwrite(int, const void*, std::size_t, off_t) override {
      errno = error;
      return error == 0 ? 0 : -1;
    }
    int error = EDQUOT;
  } write;
  EXPECT_EQ(Copy(write, 0, 0, 3).status().code(),
            absl::StatusCode::kResourceExhausted);
  write.error = 0;
  EXPECT_EQ(Copy(write, 0, 0, 3).status().code(), absl::StatusCode::kUnknown);
}

// --- Whole files ------------------------------------------------------------

class CopyFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::uint64_t> Copy(std::string_view from, std::string_view to,
                                     CopyOptions options = {}) {
    Simulator sim({.seed = {}, .system = system_});
    return sim.Run(CopyFile(directory_ / from, directory_ / to, options));
  }
  absl::StatusOr<std::uint64_t> CopyWith(SimulatedSystem& system) {
    system_ = &system;
    return Copy("from", "to");
  }

  TestDirectory directory_;
  SimulatedSystem own_system_;
  SimulatedSystem* system_ = &own_system_;
};

constexpr CopyOptions kNoOverwrite = {.overwrite = Overwrite::kNo};

TEST_F(CopyFileTest, MakesASecondFileWithTheSameContentsAndPermissions) {
  const std::string contents = Numbers(20'000'000);  // Several trips.
  directory_.Write("from", contents);
  ASSERT_EQ(::chmod((directory_ / "from").c_str(), 04751), 0);
  const mode_t before = ::umask(077);

  const absl::StatusOr<std::uint64_t> copied = Copy("from", "to");
  ::umask(before);

  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(*copied, contents.size());
  EXPECT_TRUE(directory_.Read("to") == contents);
  struct stat about{};
  ASSERT_EQ(::stat((directory_ / "to").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0751U);
  EXPECT_THAT(directory_.Names(), ElementsAre("from", "to"));
}

TEST_F(CopyFileTest, CopiesThroughABufferWhatTheKernelDoesNot) {
  const std::string contents = Numbers(3'500'000);
  directory_.Write("from", contents);
  WithoutCopy system(EXDEV);

  EXPECT_EQ(CopyWith(system).value(), contents.size());

  EXPECT_TRUE(directory_.Read("to") == contents);
}

TEST_F(CopyFileTest, CopiesAFileWhoseSizeNobodyKnows) {
  Simulator sim;

  const absl::StatusOr<std::uint64_t> copied =
      sim.Run(CopyFile("/proc/self/status", directory_ / "to"));

  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(*copied, directory_.Read("to").size());
  EXPECT_THAT(directory_.Read("to"), HasSubstr("Pid:"));
}

TEST_F(CopyFileTest, ReplacesWhatHasTheNameUnlessItIsToldNotTo) {
  directory_.Write("from", "new");
  directory_.Write("to", "old");
  ASSERT_EQ(::symlink("from", (directory_ / "link").c_str()), 0);

  const absl::Status refused = Copy("from", "to", kNoOverwrite).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(directory_.Read("to"), "old");
  EXPECT_EQ(Copy("from", "link", kNoOverwrite).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Copy("link", "to").value(), 3U);
  EXPECT_EQ(directory_.Read("to"), "new");
  EXPECT_EQ(Copy("from", "fresh", kNoOverwrite).value(), 3U);
  EXPECT_THAT(directory_.Names(), ElementsAre("fresh", "from", "link", "to"));
}

TEST_F(CopyFileTest, MayCopyAFileOntoItself) {
  directory_.Write("from", "text");

  EXPECT_EQ(Copy("from", "from").value(), 4U);

  EXPECT_EQ(directory_.Read("from"), "text");
}

TEST_F(CopyFileTest, KeepsTheTimesWhenItIsAsked) {
  directory_.Write("from", "text");
  const absl::Time when = absl::FromUnixSeconds(1'000'000'000);
  Simulator sim;
  ASSERT_EQ(sim.Run(SetTimes(directory_ / "from", {.modified = when})),
            absl::OkStatus());

  ASSERT_TRUE(Copy("from", "young").ok());
  ASSERT_TRUE(Copy("from", "old", {.keep_times = true}).ok());

  EXPECT_GT(sim.Run(GetMetadata(directory_ / "young"))->modified, when);
  EXPECT_EQ(sim.Run(GetMetadata(directory_ / "old"))->modified, when);
}

TEST_F(CopyFileTest, RefusesWhatIsNoFile) {
  ASSERT_EQ(::mkdir((directory_ / "from").c_str(), 0700), 0);
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);

  EXPECT_EQ(reactor::ErrnoOf(Copy("from", "to").status()), EISDIR);
  EXPECT_EQ(Copy("pipe", "to").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Copy("none", "to").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(directory_.Names(), ElementsAre("from", "pipe"));
}

TEST_F(CopyFileTest, SaysThatThereIsNowhereToCopyTo) {
  directory_.Write("from", "text");

  const absl::Status status = Copy("from", "none/to").status();

  EXPECT_EQ(
      std::string(status.message()),
      "open(\"" + directory_ / "none/to" + "\"): No such file or directory");
}

// Fails at one call after the other.
class FailingOnce : public SimulatedSystem {
 public:
  enum class At { kCopy, kMode, kClose, kRename, kNowhere };
  explicit FailingOnce(At at) : at_(at) {}

  ssize_t copy_file_range(int from, off_t from_at, int to, off_t to_at,
                          std::size_t size) override {
    if (at_ == At::kCopy) return Fail();
    return SimulatedSystem::copy_file_range(from, from_at, to, to_at, size);
  }
  int fchmod(int fd, mode_t mode) override {
    return at_ == At::kMode ? Fail() : SimulatedSystem::fchmod(fd, mode);
  }
  int close(int fd) override {
    const int closed = SimulatedSystem::close(fd);
    return at_ == At::kClose ? Fail() : closed;
  }
  int rename(const char* from, const char* to) override {
    return at_ == At::kRename ? Fail() : SimulatedSystem::rename(from, to);
  }

 private:
  static int Fail() {
    errno = ENOSPC;
    return -1;
  }

  const At at_;
};

TEST_F(CopyFileTest, LeavesNothingBehindWhereverItFails) {
  directory_.Write("from", "new");
  directory_.Write("to", "old");
  const int before = OpenDescriptors();

  for (const auto at : {FailingOnce::At::kCopy, FailingOnce::At::kMode,
                        FailingOnce::At::kClose, FailingOnce::At::kRename}) {
    FailingOnce system(at);
    EXPECT_EQ(CopyWith(system).status().code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(directory_.Read("to"), "old");
    EXPECT_THAT(directory_.Names(), ElementsAre("from", "to"));
    EXPECT_EQ(OpenDescriptors(), before);
  }
}

// Removes no name, as a disk that fails, and may fail at another call before.
class KeepingNames : public FailingOnce {
 public:
  using FailingOnce::FailingOnce;

  int unlink(const char* path) override {
    kept = path;
    errno = EIO;
    return -1;
  }

  std::string kept;
};

TEST_F(CopyFileTest, NamesWhatItCouldNotRemoveAfterTheErrorThatCameFirst) {
  directory_.Write("from", "new");
  KeepingNames system(FailingOnce::At::kRename);

  const absl::Status status = CopyWith(system).status();

  EXPECT_EQ(reactor::ErrnoOf(status), ENOSPC);
  EXPECT_EQ(std::string(status.message()),
            "rename(\"" + directory_ / "to" +
                "\"): No space left on device; also DATA_LOSS: unlink(\"" +
                system.kept + "\"): Input/output error [errno='5']");
  EXPECT_TRUE(std::filesystem::exists(system.kept));
}

TEST_F(CopyFileTest, SaysThatACopyToAFreeNameHasItsOldOneAsWell) {
  directory_.Write("from", "new");
  KeepingNames system(FailingOnce::At::kNowhere);
  system_ = &system;

  const absl::Status status = Copy("from", "to", kNoOverwrite).status();

  EXPECT_EQ(std::string(status.message()),
            "unlink(\"" + system.kept + "\"): Input/output error");
  EXPECT_EQ(directory_.Read("to"), "new");
}

TEST_F(CopyFileTest, WhereverItIsCancelledThereIsTheOldFileOrTheNew) {
  const std::string contents = Numbers(20'000'000);
  directory_.Write("from", contents);
  auto copy = [](std::string from, std::string to) -> Task<absl::Status> {
    absl::StatusOr<std::uint64_t> copied = co_await CopyFile(from, to);
    co_return copied.status();
  };

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory_.Write("to", "old");
        return copy(directory_ / "from", directory_ / "to");
      },
      [&](const absl::Status& status) {
        EXPECT_TRUE(directory_.Read("to") == (status.ok() ? contents : "old"));
        EXPECT_THAT(directory_.Names(), ElementsAre("from", "to"));
      });

  EXPECT_GE(cancelled, 3);  // Before it began, and between its trips.
}

}  // namespace
}  // namespace weft::fs
