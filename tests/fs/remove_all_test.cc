// Tests of removing trees: all of them, and nothing else, whatever others do to
// them meanwhile. In simulation, on real directories.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/remove_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

class RemoveAllTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::uint64_t> Remove(std::string_view name,
                                       SimulatedSystem& system) {
    Simulator sim({.seed = {}, .system = &system});
    return sim.Run(RemoveAll(directory_ / name));
  }
  absl::StatusOr<std::uint64_t> Remove(std::string_view name) {
    return Remove(name, system_);
  }
  void MakeDirectories(std::string_view name) {
    std::filesystem::create_directories(directory_ / name);
  }

  TemporaryDirectory directory_;
  SimulatedSystem system_;
};

TEST_F(RemoveAllTest, RemovesATreeOfEverythingAndCountsIt) {
  MakeDirectories("tree/a/b");
  MakeDirectories("tree/c");
  directory_.Write("tree/a/file", "");
  directory_.Write("other", "");
  ASSERT_EQ(::mkfifo((directory_ / "tree/a/b/pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("nowhere", (directory_ / "tree/link").c_str()), 0);
  HaltingSystem system;

  EXPECT_EQ(Remove("tree/", system).value(), 7U);

  EXPECT_THAT(directory_.Names(), ElementsAre("other"));
}

TEST_F(RemoveAllTest, RemovesAFileAndALinkAndFindsNothingInOrder) {
  directory_.Write("file", "");
  MakeDirectories("kept/inner");
  ASSERT_EQ(::symlink("kept", (directory_ / "link").c_str()), 0);

  EXPECT_EQ(Remove("file").value(), 1U);
  EXPECT_EQ(Remove("link/").value(), 1U);
  EXPECT_EQ(Remove("none").value(), 0U);
  EXPECT_EQ(Remove("none/none").value(), 0U);

  EXPECT_THAT(directory_.Names(), ElementsAre("kept"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "kept/inner"));
}

TEST_F(RemoveAllTest, DoesNotFollowALinkInTheTree) {
  MakeDirectories("tree");
  MakeDirectories("kept");
  directory_.Write("kept/file", "");
  ASSERT_EQ(::symlink("../kept", (directory_ / "tree/link").c_str()), 0);

  EXPECT_EQ(Remove("tree").value(), 2U);

  EXPECT_TRUE(std::filesystem::exists(directory_ / "kept/file"));
}

TEST_F(RemoveAllTest, RefusesWhatHasNoNameOfItsOwn) {
  MakeDirectories("tree/inner");
  Simulator sim;

  for (const char* path : {"/", "//", "", ".", "..", "tree/.", "tree/../"}) {
    EXPECT_EQ(sim.Run(RemoveAll(path)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << path;
  }
  EXPECT_EQ(Remove("tree/.").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "tree/inner"));
}

// --- Deep and wide ---

// Counts how many directories are open at a time.
class CountingSystem : public SimulatedSystem {
 public:
  DIR* fdopendir(int fd) override {
    DIR* const opened = SimulatedSystem::fdopendir(fd);
    most = std::max(most, ++open_);
    return opened;
  }
  int closedir(DIR* directory) override {
    --open_;
    return SimulatedSystem::closedir(directory);
  }

  int most = 0;

 private:
  int open_ = 0;
};

// Longer than any path that the system takes; so it is made from within.
void MakeDeep(const std::string& top, int depth) {
  const std::string name(200, 'd');
  ASSERT_EQ(::mkdir(top.c_str(), 0700), 0);
  int at = ::open(top.c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(at, name.c_str(), 0700), 0);
    const int below = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(::openat(at, "file", O_CREAT | O_WRONLY, 0600));
    ::close(at);
    at = below;
  }
  ::close(at);
}

TEST_F(RemoveAllTest, NeedsAFewDescriptorsForATreeOfAnyDepth) {
  MakeDeep(directory_ / "deep", 40);
  CountingSystem system;
  const int before = OpenDescriptors();

  EXPECT_EQ(Remove("deep", system).value(), 81U);

  EXPECT_THAT(directory_.Names(), IsEmpty());
  EXPECT_LE(system.most, 17);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(RemoveAllTest, RemovesHundredsOfNamesInSteps) {
  MakeDirectories("wide");
  for (int i = 0; i < 700; ++i) {
    directory_.Write(absl::StrCat("wide/", i), "");
  }

  EXPECT_EQ(Remove("wide").value(), 701U);
}

// --- Others at work ---

// Does something right before the first openat of a name.
class BeforeOpening : public SimulatedSystem {
 public:
  BeforeOpening(std::string name, std::function<void()> act)
      : name_(std::move(name)), act_(std::move(act)) {}

  int openat(int directory, const char* path, int flags, mode_t mode) override {
    if (name_ == path) std::exchange(act_, [] {})();
    return SimulatedSystem::openat(directory, path, flags, mode);
  }

 private:
  const std::string name_;
  std::function<void()> act_;
};

TEST_F(RemoveAllTest, IsNotLedElsewhereByALinkInTheLastMoment) {
  MakeDirectories("tree/inner");
  MakeDirectories("kept");
  directory_.Write("kept/file", "");
  BeforeOpening system("inner", [this] {
    std::filesystem::remove(directory_ / "tree/inner");
    std::filesystem::create_symlink("../kept", directory_ / "tree/inner");
  });

  EXPECT_EQ(Remove("tree", system).value(), 2U);

  EXPECT_THAT(directory_.Names(), ElementsAre("kept"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "kept/file"));
}

TEST_F(RemoveAllTest, StopsWhereTheTreeIsMovedUnderIt) {
  // Twenty deep, so that the topmost are opened again on the way up.
  std::string path = "tree";
  for (int i = 0; i < 20; ++i) absl::StrAppend(&path, "/d", i);
  MakeDirectories(path);
  MakeDirectories("kept");
  directory_.Write("kept/file", "");
  BeforeOpening system("..", [this] {
    std::filesystem::rename(directory_ / "tree/d0/d1/d2/d3",
                            directory_ / "kept/d3");
  });

  const absl::Status status = Remove("tree", system).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("moved elsewhere"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "kept/file"));
}

TEST_F(RemoveAllTest, WhatIsGoneMeanwhileIsNoError) {
  MakeDirectories("tree/inner");
  BeforeOpening system(
      "inner", [this] { std::filesystem::remove(directory_ / "tree/inner"); });

  EXPECT_EQ(Remove("tree", system).value(), 1U);
}

// A file system that skips every other name while names are removed.
TEST_F(RemoveAllTest, ReadsADirectoryAgainThatIsStillNotEmpty) {
  class Skipping : public SimulatedSystem {
   public:
    dirent* readdir(DIR* directory) override {
      dirent* const found = SimulatedSystem::readdir(directory);
      if (found == nullptr || found->d_name[0] == '.') return found;
      skip_ = !skip_;
      return skip_ ? found : SimulatedSystem::readdir(directory);
    }

   private:
    bool skip_ = false;
  } system;
  MakeDirectories("tree");
  for (int i = 0; i < 9; ++i) directory_.Write(absl::StrCat("tree/", i), "");

  EXPECT_EQ(Remove("tree", system).value(), 10U);
}

// --- A system that is not at its best ---

TEST_F(RemoveAllTest, SaysWhichNameCouldNotBeRemoved) {
  class Failing : public SimulatedSystem {
   public:
    int unlinkat(int directory, const char* path, int flags) override {
      if (std::string_view(path) != "file") {
        return SimulatedSystem::unlinkat(directory, path, flags);
      }
      errno = error;
      return -1;
    }
    int error = EIO;
  } system;
  MakeDirectories("tree/a");
  directory_.Write("tree/a/file", "");
  const int before = OpenDescriptors();

  const absl::Status broken = Remove("tree", system).status();
  // What POSIX has for a directory as well: no directory, so it is the error.
  system.error = EPERM;
  const absl::Status forbidden = Remove("tree", system).status();

  EXPECT_EQ(
      std::string(broken.message()),
      "unlink(\"" + directory_ / "tree/a/file" + "\"): Input/output error");
  EXPECT_EQ(forbidden.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(RemoveAllTest, SaysThatADirectoryCannotBeRead) {
  class Failing : public SimulatedSystem {
   public:
    DIR* fdopendir(int) override {
      errno = ENOMEM;
      return nullptr;
    }
    int openat(int directory, const char* path, int flags,
               mode_t mode) override {
      if (!exhausted) {
        return SimulatedSystem::openat(directory, path, flags, mode);
      }
      errno = EMFILE;
      return -1;
    }
    bool exhausted = false;
  } system;
  MakeDirectories("tree");
  const int before = OpenDescriptors();

  const absl::Status memory = Remove("tree", system).status();
  system.exhausted = true;
  const absl::Status descriptors = Remove("tree", system).status();

  EXPECT_EQ(reactor::ErrnoOf(memory), ENOMEM);
  EXPECT_EQ(descriptors.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(RemoveAllTest, GoesOnWhereACancelledOneStopped) {
  auto remove = [](std::string path) -> Task<absl::Status> {
    absl::StatusOr<std::uint64_t> removed = co_await RemoveAll(path);
    co_return removed.status();
  };

  const int cancelled = CancelAtEveryCall(
      [&] {
        MakeDirectories("tree/inner");
        for (int i = 0; i < 300; ++i) {
          directory_.Write(absl::StrCat("tree/inner/", i), "");
        }
        return remove(directory_ / "tree");
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), directory_.Names().empty());
        EXPECT_TRUE(Remove("tree").ok());
        EXPECT_THAT(directory_.Names(), IsEmpty());
      },
      /*stride=*/37);

  EXPECT_GE(cancelled, 2);
}

}  // namespace
}  // namespace weft::fs
