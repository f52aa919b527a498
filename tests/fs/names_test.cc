// Tests of the calls that make, change and remove names. In simulation, on real
// directories.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/interrupting.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

TEST(NamesTest, MakesADirectoryWithItsPermissions) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::Status made = sim.Run(CreateDirectory(directory / "new", 0700));

  EXPECT_EQ(made, absl::OkStatus());
  struct stat about{};
  ASSERT_EQ(::stat((directory / "new").c_str(), &about), 0);
  EXPECT_TRUE(S_ISDIR(about.st_mode));
  EXPECT_EQ(about.st_mode & 0777, 0700U);
}

TEST(NamesTest, DoesNotMakeWhatIsThere) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::Status status = sim.Run(CreateDirectory(directory.path()));

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(status.message()),
            "mkdir(\"" + directory.path() + "\"): File exists");
}

TEST(NamesTest, RemovesAnEmptyDirectoryOnly) {
  TemporaryDirectory directory;
  Simulator sim;
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  directory.Write("inner/file", "");

  const absl::Status full = sim.Run(RemoveDirectory(directory / "inner"));
  const absl::Status file = sim.Run(RemoveFile(directory / "inner/file"));
  const absl::Status empty = sim.Run(RemoveDirectory(directory / "inner"));

  EXPECT_EQ(reactor::ErrnoOf(full), ENOTEMPTY);
  EXPECT_EQ(file, absl::OkStatus());
  EXPECT_EQ(empty, absl::OkStatus());
  EXPECT_THAT(directory.Names(), IsEmpty());
}

TEST(NamesTest, RenamesOverWhatIsThere) {
  TemporaryDirectory directory;
  directory.Write("from", "new");
  directory.Write("to", "old");
  Simulator sim;

  EXPECT_EQ(sim.Run(Rename(directory / "from", directory / "to")),
            absl::OkStatus());

  EXPECT_THAT(directory.Names(), ElementsAre("to"));
  EXPECT_EQ(directory.Read("to"), "new");
}

// Directories as well, which a second name could not be given to.
TEST(NamesTest, RenamesToAFreeNameOnlyWhenAsked) {
  TemporaryDirectory directory;
  directory.Write("from", "new");
  directory.Write("to", "old");
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  Simulator sim;
  auto rename = [&](std::string_view from, std::string_view to) {
    return sim.Run(Rename(directory / from, directory / to, Overwrite::kNo));
  };

  const absl::Status taken = rename("from", "to");
  const absl::Status free = rename("from", "other");
  const absl::Status tree = rename("inner", "outer");

  EXPECT_EQ(taken.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(taken.message()), "rename(\"" + directory / "from" +
                                              "\" to \"" + directory / "to" +
                                              "\"): File exists");
  EXPECT_EQ(free, absl::OkStatus());
  EXPECT_EQ(tree, absl::OkStatus());
  EXPECT_THAT(directory.Names(), ElementsAre("other", "outer", "to"));
  EXPECT_EQ(directory.Read("to"), "old");
}

TEST(NamesTest, DoesNotRenameInAnotherWayWhereNoNameMayBeTaken) {
  class Old : public weft::testing::SimulatedSystem {
   public:
    int rename_noreplace(const char*, const char*) override {
      errno = ENOTSUP;
      return -1;
    }
  } system;
  TemporaryDirectory directory;
  directory.Write("from", "");
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status =
      sim.Run(Rename(directory / "from", directory / "to", Overwrite::kNo));

  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(directory.Names(), ElementsAre("from"));
}

TEST(NamesTest, NamesBothEndsOfARenameThatFails) {
  Simulator sim;

  const absl::Status status = sim.Run(Rename("/nope/from", "/nope/to"));

  EXPECT_EQ(std::string(status.message()),
            "rename(\"/nope/from\" to \"/nope/to\"): No such file or "
            "directory");
}

TEST(NamesTest, NothingGetsANameInAnotherFileSystem) {
  class TwoFileSystems : public weft::testing::SimulatedSystem {
   public:
    int rename(const char*, const char*) override { return Refuse(); }
    int link(const char*, const char*) override { return Refuse(); }

   private:
    static int Refuse() {
      errno = EXDEV;
      return -1;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(Rename("one/from", "other/to")).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(sim.Run(CreateLink("one/from", "other/to")).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(NamesTest, ChangesNothingWhenItIsCancelledBefore) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  Simulator sim;
  JoinHandle<absl::Status> remover =
      sim.SpawnJoinable(RemoveFile(directory / "file"));

  remover.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(remover.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

// --- Directories that are missing ---

TEST(NamesTest, MakesEveryDirectoryThatIsMissing) {
  TemporaryDirectory directory;
  Simulator sim;

  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sim.Run(CreateDirectories(directory / "a//b/./c/")),
              absl::OkStatus());
    EXPECT_EQ(::rmdir((directory / "a/b/c").c_str()), 0);
  }
  EXPECT_EQ(sim.Run(CreateDirectories("/")), absl::OkStatus());
  EXPECT_EQ(sim.Run(CreateDirectories(".")), absl::OkStatus());
}

TEST(NamesTest, SaysWhichNameOnTheWayIsNoDirectory) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  ASSERT_EQ(::symlink("nowhere", (directory / "link").c_str()), 0);
  Simulator sim;

  const absl::Status file = sim.Run(CreateDirectories(directory / "file"));
  const absl::Status below = sim.Run(CreateDirectories(directory / "file/a"));
  const absl::Status link = sim.Run(CreateDirectories(directory / "link/a/b"));
  const absl::Status empty = sim.Run(CreateDirectories(""));

  EXPECT_EQ(file.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(reactor::ErrnoOf(below), ENOTDIR);
  EXPECT_EQ(below.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(link.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(link.message()),
            "mkdir(\"" + directory / "link" + "\"): File exists");
  EXPECT_EQ(empty.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(directory.Names(), ElementsAre("file", "link"));
}

// Somebody else makes each directory just before we do.
TEST(NamesTest, TwoThatMakeTheSameDirectoriesBothSucceed) {
  class Racing : public weft::testing::SimulatedSystem {
   public:
    int mkdir(const char* path, mode_t mode) override {
      SimulatedSystem::mkdir(path, mode);
      return SimulatedSystem::mkdir(path, mode);
    }
  } system;
  TemporaryDirectory directory;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(CreateDirectories(directory / "a/b/c")), absl::OkStatus());
}

TEST(NamesTest, ReportsADiskThatTakesNoMoreDirectories) {
  class Full : public weft::testing::SimulatedSystem {
   public:
    int mkdir(const char* path, mode_t mode) override {
      if (std::string_view(path).ends_with("/a")) {
        return SimulatedSystem::mkdir(path, mode);
      }
      errno = std::string_view(path).ends_with("/b") ? EDQUOT : ENOENT;
      return -1;
    }
  } system;
  TemporaryDirectory directory;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status = sim.Run(CreateDirectories(directory / "a/b/c"));

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/a/b\"): Disk quota"));
}

// --- Links ---

TEST(NamesTest, GivesAFileAnotherName) {
  TemporaryDirectory directory;
  directory.Write("file", "text");
  Simulator sim;

  const absl::Status linked =
      sim.Run(CreateLink(directory / "file", directory / "other"));
  const absl::Status again =
      sim.Run(CreateLink(directory / "file", directory / "other"));

  EXPECT_EQ(linked, absl::OkStatus());
  EXPECT_EQ(directory.Read("other"), "text");
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(again.message()), "link(\"" + directory / "file" +
                                              "\" to \"" + directory / "other" +
                                              "\"): File exists");
}

TEST(NamesTest, ReadsALinkAsItWasWritten) {
  TemporaryDirectory directory;
  const std::string target = "../no/" + std::string(700, 'x') + "/..";
  Simulator sim;

  const absl::Status made =
      sim.Run(CreateSymbolicLink(target, directory / "link"));
  const absl::StatusOr<std::string> read =
      sim.Run(ReadLink(directory / "link"));
  const absl::Status none = sim.Run(ReadLink(directory.path())).status();

  EXPECT_EQ(made, absl::OkStatus());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, target);
  EXPECT_EQ(none.code(), absl::StatusCode::kInvalidArgument);
}

TEST(NamesTest, FindsTheOnePathWithoutLinks) {
  TemporaryDirectory directory;
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("inner", (directory / "link").c_str()), 0);
  ASSERT_EQ(::symlink("circle", (directory / "circle").c_str()), 0);
  Simulator sim;

  const absl::StatusOr<std::string> root = sim.Run(Canonical(directory.path()));
  const absl::StatusOr<std::string> found =
      sim.Run(Canonical(directory / "link/../link/."));
  const absl::Status circle = sim.Run(Canonical(directory / "circle")).status();
  const absl::Status none = sim.Run(Canonical(directory / "none")).status();

  ASSERT_TRUE(root.ok() && found.ok()) << found.status();
  EXPECT_EQ(*found, *root + "/inner");
  EXPECT_EQ(circle.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(none.message()), "realpath(\"" + directory / "none" +
                                             "\"): No such file or directory");
}

TEST(NamesTest, RefusesAZeroByteInAnyPath) {
  const std::string_view bad("a\0b", 3);
  Simulator sim;

  for (const absl::Status& status :
       {sim.Run(CreateDirectories(bad)), sim.Run(CreateLink("a", bad)),
        sim.Run(CreateSymbolicLink(bad, "a")), sim.Run(ReadLink(bad)).status(),
        sim.Run(Canonical(bad)).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(NamesTest, InterruptedCallsAreMadeAgain) {
  TemporaryDirectory directory;
  Interrupting system;
  Simulator sim({.seed = {}, .system = &system});
  directory.Write("file", "");
  auto change = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    co_await OrReturn(CreateDirectory(in / "made"));
    co_await OrReturn(Rename(in / "made", in / "moved"));
    co_await OrReturn(Rename(in / "moved", in / "there", Overwrite::kNo));
    EXPECT_THAT(in.Names(), ElementsAre("file", "there"));
    co_await OrReturn(RemoveDirectory(in / "there"));
    co_await OrReturn(CreateLink(in / "file", in / "second"));
    co_await OrReturn(RemoveFile(in / "file"));
    co_await OrReturn(RemoveFile(in / "second"));
    co_await OrReturn(CreateDirectories(in / "a/b"));
    co_await OrReturn(CreateSymbolicLink("a/b", in / "link"));
    std::string target = co_await OrReturn(ReadLink(in / "link"));
    EXPECT_EQ(target, "a/b");
    std::string found = co_await OrReturn(Canonical(in / "link"));
    EXPECT_TRUE(found.ends_with("/a/b"));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(change(directory)), absl::OkStatus());
  EXPECT_THAT(directory.Names(), ElementsAre("a", "link"));
}

}  // namespace
}  // namespace weft::fs
