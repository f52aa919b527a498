// Tests of files and directories that go by themselves. In simulation, on real
// ones.
//
// SPDX-License-Identifier: MIT

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/names.h"
#include "weft/fs/temporary_directory.h"
#include "weft/fs/temporary_file.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/counting_opens.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using TestDirectory = ::weft::testing::TemporaryDirectory;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

mode_t PermissionsOf(const std::string& path) {
  struct stat about{};
  EXPECT_EQ(::stat(path.c_str(), &about), 0);
  return about.st_mode & 07777;
}

// --- Files ------------------------------------------------------------------

TEST(TemporaryFileTest, IsOnlyForUsAndGoesByItself) {
  TestDirectory directory;
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  auto use = [](const TestDirectory& in) -> Task<absl::Status> {
    TemporaryFile one = co_await OrReturn(TemporaryFile::Create(in.path()));
    TemporaryFile other = co_await OrReturn(TemporaryFile::Create(in.path()));
    EXPECT_THAT(in.Names(), SizeIs(2));
    EXPECT_EQ(PermissionsOf(one.path()), 0600U);
    co_await OrReturn(one.file().WriteAll(Bytes("text")));
    std::string text(4, '.');
    co_await OrReturn(
        one.file().ReadExactlyAt(std::as_writable_bytes(std::span(text)), 0));
    EXPECT_EQ(text, "text");
    const TemporaryFile moved(std::move(one));
    co_await OrReturn(other.Remove());
    EXPECT_THAT(in.Names(), SizeIs(1));
    co_return co_await other.Remove();
  };
  const int before = OpenDescriptors();

  EXPECT_EQ(sim.Run(use(directory)), absl::OkStatus());

  EXPECT_THAT(directory.Names(), IsEmpty());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(TemporaryFileTest, StaysOnceItHasAName) {
  TestDirectory directory;
  directory.Write("name", "old");
  Simulator sim;
  auto keep = [](const TestDirectory& in) -> Task<absl::Status> {
    TemporaryFile file = co_await OrReturn(TemporaryFile::Create(in.path()));
    co_await OrReturn(file.file().WriteAll(Bytes("new")));
    absl::Status nowhere = co_await file.Keep(in / "none/name");
    EXPECT_EQ(nowhere.code(), absl::StatusCode::kNotFound);
    co_await OrReturn(file.Keep(in / "name"));
    absl::Status again = co_await file.Keep(in / "other");
    EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(keep(directory)), absl::OkStatus());

  EXPECT_THAT(directory.Names(), ElementsAre("name"));
  EXPECT_EQ(directory.Read("name"), "new");
}

// A system whose environment says where temporary files go.
class WithRoot : public SimulatedSystem {
 public:
  explicit WithRoot(std::string root) : root_(std::move(root)) {}
  char* getenv(const char* name) override {
    EXPECT_EQ(std::string_view(name), "TMPDIR");
    return root_.data();
  }

 private:
  std::string root_;
};

TEST(TemporaryFileTest, GoesInTheTemporaryRootUnlessItIsToldWhere) {
  TestDirectory directory;
  WithRoot system(directory.path());
  Simulator sim({.seed = {}, .system = &system});

  {
    const auto file = sim.Run(TemporaryFile::Create());
    const auto made = sim.Run(TemporaryDirectory::Create());
    ASSERT_TRUE(file.ok() && made.ok());
    EXPECT_THAT(file->path(), StartsWith(directory.path()));
    EXPECT_THAT(made->path(), StartsWith(directory.path()));
  }

  EXPECT_THAT(directory.Names(), IsEmpty());
}

Task<std::string> AskRoot() { co_return TemporaryRoot(); }

TEST(TemporaryFileTest, GoesInTmpWhereTheEnvironmentNamesNoRoot) {
  WithRoot system("");
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(AskRoot()).value(), "/tmp");
}

TEST(TemporaryFileTest, NoTwoOfOneInstantWantTheSameName) {
  CountingOpens system;
  Simulator sim({.seed = {}, .system = &system});
  TestDirectory directory;
  std::vector<TemporaryFile> files;

  for (int i = 0; i < 5; ++i) {
    absl::StatusOr<TemporaryFile> file =
        sim.Run(TemporaryFile::Create(directory.path()));
    ASSERT_TRUE(file.ok()) << file.status();
    files.push_back(*std::move(file));
  }

  EXPECT_EQ(system.opened, 5);
}

TEST(TemporaryFileTest, SaysWhyThereIsNone) {
  class Taken : public SimulatedSystem {
   public:
    int open(const char*, int, mode_t) override {
      errno = EEXIST;
      return -1;
    }
  } system;
  TestDirectory directory;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(TemporaryFile::Create(directory.path())).status().code(),
            absl::StatusCode::kAlreadyExists);
  Simulator other;
  EXPECT_EQ(other.Run(TemporaryFile::Create("/none")).status().code(),
            absl::StatusCode::kNotFound);
}

Task<absl::Status> WriteAndKeep(const TestDirectory& in) {
  TemporaryFile file = co_await OrReturn(TemporaryFile::Create(in.path()));
  co_await OrReturn(file.file().WriteAll(Bytes("all")));
  co_return co_await file.Keep(in / "name");
}

TEST(TemporaryFileTest, WhoeverIsCancelledLeavesNoFileOrAWholeOne) {
  std::optional<TestDirectory> directory;

  const int cancelled = CancelAtEveryCall(
      [&] { return WriteAndKeep(directory.emplace()); },
      [&](const absl::Status& status) {
        if (status.ok()) {
          EXPECT_THAT(directory->Names(), ElementsAre("name"));
          EXPECT_EQ(directory->Read("name"), "all");
        } else {
          EXPECT_THAT(directory->Names(), IsEmpty());
        }
      });

  EXPECT_GE(cancelled, 3);
}

// --- Directories ------------------------------------------------------------

Task<absl::Status> Fill(const TemporaryDirectory& directory) {
  co_await OrReturn(CreateDirectories(directory / "a/b/c"));
  co_await OrReturn(CreateSymbolicLink("/", directory / "a/link"));
  File file = co_await OrReturn(File::Open(directory / "a/b/file", kReplace));
  co_return co_await file.Close();
}

TEST(TemporaryDirectoryTest, IsOnlyForUsAndGoesWithAllThatIsInIt) {
  TestDirectory parent;
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  auto use = [](const TestDirectory& in) -> Task<absl::Status> {
    TemporaryDirectory made =
        co_await OrReturn(TemporaryDirectory::Create(in.path()));
    EXPECT_EQ(PermissionsOf(made.path()), 0700U);
    co_await OrReturn(Fill(made));
    co_await OrReturn(made.Remove());
    EXPECT_THAT(in.Names(), IsEmpty());
    EXPECT_EQ(made.path(), "");
    co_return co_await made.Remove();
  };

  EXPECT_EQ(sim.Run(use(parent)), absl::OkStatus());
}

TEST(TemporaryDirectoryTest, GoesOnTheSpotWhenItIsDropped) {
  TestDirectory parent;
  Simulator sim;
  auto drop = [](const TestDirectory& in) -> Task<absl::Status> {
    TemporaryDirectory made =
        co_await OrReturn(TemporaryDirectory::Create(in.path()));
    const TemporaryDirectory moved(std::move(made));
    co_return co_await Fill(moved);
  };

  EXPECT_EQ(sim.Run(drop(parent)), absl::OkStatus());

  EXPECT_THAT(parent.Names(), IsEmpty());
}

TEST(TemporaryDirectoryTest, StaysWhenItIsKept) {
  TestDirectory parent;
  Simulator sim;

  std::string path;
  {
    absl::StatusOr<TemporaryDirectory> made =
        sim.Run(TemporaryDirectory::Create(parent.path()));
    ASSERT_TRUE(made.ok()) << made.status();
    path = std::move(*made).Keep();
  }

  EXPECT_EQ(PermissionsOf(path), 0700U);
}

TEST(TemporaryDirectoryTest, SaysWhyThereIsNone) {
  Simulator sim;

  const absl::Status status =
      sim.Run(TemporaryDirectory::Create("/none")).status();

  EXPECT_EQ(std::string(status.message()),
            "mkdtemp(\"/none/weft-XXXXXX\"): No such file or directory");
}

Task<absl::Status> UseOne(const TestDirectory& in) {
  TemporaryDirectory made =
      co_await OrReturn(TemporaryDirectory::Create(in.path()));
  co_return co_await Using(
      std::move(made),
      [&](TemporaryDirectory& directory) -> Task<absl::Status> {
        co_return co_await Fill(directory);
      });
}

TEST(TemporaryDirectoryTest, IsGoneWhereverItsUserIsCancelled) {
  std::optional<TestDirectory> parent;

  const int cancelled = CancelAtEveryCall(
      [&] { return UseOne(parent.emplace()); },
      [&](const absl::Status&) { EXPECT_THAT(parent->Names(), IsEmpty()); });

  EXPECT_GE(cancelled, 5);
}

}  // namespace
}  // namespace weft::fs
