// Tests of replacing whole files. In simulation, on real files, and with
// systems that fail in every place.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/write_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/fs/numbers.h"
#include "weft/tests/support/as_nobody.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using ::weft::testing::AsNobody;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// A directory with a file "file" in it that holds "old".
class WriteFileTest : public ::testing::Test {
 protected:
  WriteFileTest() { directory_.Write("file", "old"); }

  absl::Status Write(SimulatedSystem& system, std::string_view contents) {
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(WriteFileAtomically(path_, contents));
  }
  void ExpectOnly(std::string_view contents) {
    EXPECT_THAT(directory_.Names(), ElementsAre("file"));
    EXPECT_TRUE(directory_.Read("file") == contents)
        << directory_.Read("file").size() << " bytes";
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
  SimulatedSystem system_;
};

TEST_F(WriteFileTest, ReplacesAFile) {
  const int before = OpenDescriptors();

  EXPECT_EQ(Write(system_, "new"), absl::OkStatus());

  ExpectOnly("new");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WriteFileTest, MakesAFileThatIsMissing) {
  Simulator sim;

  EXPECT_EQ(sim.Run(WriteFileAtomically(directory_ / "other", "new")),
            absl::OkStatus());

  EXPECT_THAT(directory_.Names(), ElementsAre("file", "other"));
  EXPECT_EQ(directory_.Read("other"), "new");
}

TEST_F(WriteFileTest, WritesNothingIntoAnEmptyFile) {
  EXPECT_EQ(Write(system_, ""), absl::OkStatus());

  ExpectOnly("");
}

TEST_F(WriteFileTest, WritesAsMuchAsThereIs) {
  const std::string contents = Numbers(3'500'000);

  EXPECT_EQ(Write(system_, contents), absl::OkStatus());

  ExpectOnly(contents);
}

TEST_F(WriteFileTest, WritesSingleBytesThroughInterrupts) {
  HaltingSystem system;
  const std::string contents = Numbers(10'000);

  EXPECT_EQ(Write(system, contents), absl::OkStatus());

  ExpectOnly(contents);
}

TEST_F(WriteFileTest, GivesTheFileItsPermissions) {
  Simulator sim;

  EXPECT_EQ(sim.Run(WriteFileAtomically(path_, "new", {.permissions = 0600})),
            absl::OkStatus());

  struct stat about{};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(WriteFileTest, ReplacesALinkAndNotWhatItLeadsTo) {
  const std::string link = directory_ / "link";
  ASSERT_EQ(::symlink("file", link.c_str()), 0);
  Simulator sim;

  EXPECT_EQ(sim.Run(WriteFileAtomically(link, "new")), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "old");
  EXPECT_EQ(directory_.Read("link"), "new");
}

TEST_F(WriteFileTest, TakesANameInTheCurrentDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_.path());
  Simulator sim;

  const absl::Status status = sim.Run(WriteFileAtomically("file", "new"));
  std::filesystem::current_path(before);

  EXPECT_EQ(status, absl::OkStatus());
  ExpectOnly("new");
}

TEST_F(WriteFileTest, SaysThatTheDirectoryIsMissing) {
  Simulator sim;

  const absl::Status status = sim.Run(WriteFileAtomically("/nope/file", "new"));

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(status.message()),
            "open(\"/nope/\"): No such file or directory");
}

TEST_F(WriteFileTest, SaysThatItMayNotWriteIntoTheDirectory) {
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0555), 0);
  absl::Status status;
  {
    const AsNobody nobody;
    status = Write(system_, "new");
  }

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  ExpectOnly("old");
}

// A directory that may be written and not read: the rename would succeed, and
// then nothing could be said of its fate.
TEST_F(WriteFileTest, ChangesNothingWhereItCouldNotStoreTheName) {
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0333), 0);
  absl::Status status;
  {
    const AsNobody nobody;
    status = Write(system_, "new");
  }
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(std::string(status.message()),
            "open(\"" + directory_.path() + "/\"): Permission denied");
  ExpectOnly("old");
}

TEST_F(WriteFileTest, DoesNotReplaceADirectory) {
  Simulator sim;

  const absl::Status status =
      sim.Run(WriteFileAtomically(directory_.path(), "new"));

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), StartsWith("rename(\""));
  ExpectOnly("old");
}

TEST_F(WriteFileTest, LooksForANameThatNobodyHas) {
  class Crowded : public SimulatedSystem {
   public:
    int open(const char* path, int flags, mode_t mode) override {
      if ((flags & O_EXCL) != 0 && ++attempts < 3) {
        errno = EEXIST;
        return -1;
      }
      return SimulatedSystem::open(path, flags, mode);
    }
    int attempts = 0;
  } system;

  EXPECT_EQ(Write(system, "new"), absl::OkStatus());

  EXPECT_EQ(system.attempts, 3);
  ExpectOnly("new");
}

TEST_F(WriteFileTest, GivesUpWhereEveryNameIsTaken) {
  class Full : public SimulatedSystem {
   public:
    int open(const char* path, int flags, mode_t mode) override {
      if ((flags & O_EXCL) == 0) {
        return SimulatedSystem::open(path, flags, mode);
      }
      errno = EEXIST;
      return -1;
    }
  } system;

  const absl::Status status = Write(system, "new");

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(status.message()),
            "open(\"" + path_ + "\"): File exists");
  ExpectOnly("old");
}

// Every call that WriteFileAtomically makes, in its order. At the n-th of them
// something happens.
class EventfulSystem : public SimulatedSystem {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    return Fails("open") ? -1 : SimulatedSystem::open(path, flags, mode);
  }
  ssize_t write(int fd, const void* buffer, std::size_t size) override {
    return Fails("write") ? -1 : SimulatedSystem::write(fd, buffer, size);
  }
  int fsync(int fd) override {
    return Fails("fsync") ? -1 : SimulatedSystem::fsync(fd);
  }
  // Closes also where it fails.
  int close(int fd) override {
    const int answer = SimulatedSystem::close(fd);
    return Fails("close") ? -1 : answer;
  }
  int rename(const char* from, const char* to) override {
    return Fails("rename") ? -1 : SimulatedSystem::rename(from, to);
  }

  std::vector<std::string> calls;
  // Called with the number of the call, from 0; true: it fails with `error`.
  std::function<bool(int)> fails = [](int) { return false; };
  int error = 0;

 private:
  bool Fails(const char* call) {
    calls.emplace_back(call);
    if (!fails(static_cast<int>(calls.size()) - 1)) return false;
    errno = error;
    return true;
  }
};

// The descriptors of the simulation itself are closed after the last of these.
const std::vector<std::string> kCalls = {"open",  "open",   "write", "fsync",
                                         "close", "rename", "fsync", "close"};

TEST_F(WriteFileTest, StoresTheFileBeforeItsNameAndThenTheName) {
  EventfulSystem system;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(WriteFileAtomically(path_, "new")), absl::OkStatus());

  EXPECT_EQ(system.calls, kCalls);
}

class WriteFileFaultTest : public WriteFileTest,
                           public ::testing::WithParamInterface<int> {};

TEST_P(WriteFileFaultTest, LeavesAWholeFileWhicheverCallFails) {
  const int failing = GetParam();
  const bool renamed = failing > 5;
  const bool last = failing == 7;  // Of a directory that was read: no loss.
  EventfulSystem system;
  system.error = ENOSPC;
  system.fails = [failing](int call) { return call == failing; };
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  const absl::Status status = sim.Run(WriteFileAtomically(path_, "new"));

  EXPECT_EQ(status.code(), last ? absl::StatusCode::kOk
                                : absl::StatusCode::kResourceExhausted);
  if (!last) {
    const bool directory = failing == 0 || renamed;
    const std::string on = directory ? directory_.path() + "/" : path_;
    EXPECT_EQ(std::string(status.message()),
              absl::StrCat(kCalls[static_cast<std::size_t>(failing)], "(\"", on,
                           "\"): No space left on device"));
  }
  ExpectOnly(renamed ? "new" : "old");
  EXPECT_EQ(OpenDescriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Calls, WriteFileFaultTest, ::testing::Range(0, 8));

TEST_F(WriteFileTest, DoesWithoutTheFsyncOfADirectoryThatHasNone) {
  EventfulSystem system;
  system.error = EINVAL;
  system.fails = [](int call) { return call == 6; };

  EXPECT_EQ(Write(system, "new"), absl::OkStatus());

  ExpectOnly("new");
}

TEST_F(WriteFileTest, LeavesNothingBehindWhereTheDiskFillsUpHalfway) {
  class SmallDisk : public SimulatedSystem {
   public:
    ssize_t write(int fd, const void* buffer, std::size_t size) override {
      if (room_ == 0) {
        errno = ENOSPC;
        return -1;
      }
      const std::size_t fits = std::min(size, room_);
      room_ -= fits;
      return SimulatedSystem::write(fd, buffer, fits);
    }

   private:
    std::size_t room_ = 1'500'000;
  } system;

  const absl::Status status = Write(system, Numbers(3'000'000));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  ExpectOnly("old");
}

TEST_F(WriteFileTest, NamesWhatItCouldNotRemoveAfterTheErrorThatCameFirst) {
  class Failing : public SimulatedSystem {
   public:
    int fsync(int) override {
      errno = ENOSPC;
      return -1;
    }
    int unlink(const char* path) override {
      kept = path;
      errno = EIO;
      return -1;
    }
    std::string kept;
  } system;

  const absl::Status status = Write(system, "new");

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "fsync(\"" + path_ +
                "\"): No space left on device; also DATA_LOSS: unlink(\"" +
                system.kept + "\"): Input/output error [errno='5']");
  EXPECT_EQ(directory_.Read("file"), "old");
}

TEST_F(WriteFileTest, AWriteOfNothingIsAnErrorAndNoEndlessLoop) {
  class Stubborn : public SimulatedSystem {
   public:
    ssize_t write(int, const void*, std::size_t) override { return 0; }
  } system;

  EXPECT_EQ(Write(system, "new").code(), absl::StatusCode::kUnknown);
  ExpectOnly("old");
}

// Cancelled during the n-th call, for every n: whatever wait comes next is the
// one that notices.
TEST_F(WriteFileTest, LeavesAWholeFileWheneverItIsCancelled) {
  const std::string contents = Numbers(2'500'000);
  int cancelled = 0;
  int finished = 0;
  for (int at = -1; at < static_cast<int>(kCalls.size()) + 2; ++at) {
    directory_.Write("file", "old");
    EventfulSystem system;
    Simulator sim({.seed = {}, .system = &system});
    const int before = OpenDescriptors();
    JoinHandle<absl::Status> writer =
        sim.SpawnJoinable(WriteFileAtomically(path_, contents));
    system.fails = [&](int call) {
      if (call == at) writer.Cancel();
      return false;
    };

    if (at == -1) writer.Cancel();
    sim.RunUntilIdle();
    const absl::Status status = writer.BlockingJoin();
    system.fails = [](int) { return false; };

    if (status.ok()) {
      ++finished;
      ExpectOnly(contents);
    } else {
      ++cancelled;
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
      ExpectOnly("old");
    }
    EXPECT_EQ(OpenDescriptors(), before);
  }
  // Before it began; in the three steps of writing, the first of which makes
  // three calls; in the fsync and the close. From the rename on it is too late.
  EXPECT_EQ(cancelled, 8);
  EXPECT_EQ(finished, 3);
}

}  // namespace
}  // namespace weft::fs
