// Tests of listing directories. In simulation, on real directories.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/directory.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/interrupting.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

using Entries = std::map<std::string, FileKind>;

// With what came before an error.
Task<absl::Status> CollectInto(std::string path, Entries& entries) {
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing = ListDirectory(path);
  for (;;) {
    std::optional<absl::StatusOr<DirectoryEntry>> item =
        co_await listing.Next();
    if (!item.has_value()) co_return absl::OkStatus();
    DirectoryEntry entry = co_await OrReturn(*std::move(item));
    EXPECT_TRUE(entries.emplace(entry.name, entry.kind).second)
        << entry.name << " came twice";
  }
}

Task<absl::StatusOr<Entries>> Collect(std::string path) {
  Entries entries;
  co_await OrReturn(CollectInto(path, entries));
  co_return entries;
}

// --- Listing ---

TEST(ListDirectoryTest, GivesEveryNameWithItsKind) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("inner", (directory / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  Simulator sim;

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, ElementsAre(Pair("file", FileKind::kFile),
                                    Pair("inner", FileKind::kDirectory),
                                    Pair("link", FileKind::kSymbolicLink),
                                    Pair("pipe", FileKind::kFifo)));
}

TEST(ListDirectoryTest, GivesNothingForAnEmptyDirectory) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, IsEmpty());
}

TEST(ListDirectoryTest, GivesTenThousandNamesOnceEach) {
  TemporaryDirectory directory;
  std::set<std::string> names;
  for (int i = 0; i < 10'000; ++i) {
    names.insert(absl::StrCat("entry", i));
    directory.Write(absl::StrCat("entry", i), "");
  }
  Simulator sim;

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  std::set<std::string> found;
  for (const auto& [name, kind] : *entries) found.insert(name);
  EXPECT_EQ(found, names);
}

TEST(ListDirectoryTest, SaysThatThereIsNoSuchDirectory) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::Status status = sim.Run(Collect(directory / "nope")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      std::string(status.message()),
      "opendir(\"" + directory / "nope" + "\"): No such file or directory");
}

TEST(ListDirectoryTest, SaysThatItIsNoDirectory) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  Simulator sim;

  const absl::Status status = sim.Run(Collect(directory / "file")).status();

  EXPECT_EQ(reactor::ErrnoOf(status), ENOTDIR);
}

TEST(ListDirectoryTest, RefusesAPathWithAZeroByte) {
  Simulator sim;

  const absl::Status status =
      sim.Run(Collect(std::string("/tmp\0/etc", 9))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\\x00"));
}

// More than are read at once, so that the directory is still open after one.
void WriteManyFiles(const TemporaryDirectory& directory) {
  for (int i = 0; i < 1000; ++i) directory.Write(absl::StrCat(i), "");
}

// Takes one item and drops the generator.
Task<absl::Status> TakeOne(std::string path) {
  const int before = OpenDescriptors();
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing = ListDirectory(path);
  std::optional<absl::StatusOr<DirectoryEntry>> item = co_await listing.Next();
  if (!item.has_value()) co_return absl::NotFoundError("empty");
  co_await OrReturn(item->status());
  EXPECT_EQ(OpenDescriptors(), before + 1);
  co_return absl::OkStatus();
}

TEST(ListDirectoryTest, ClosesTheDirectoryWhenItIsDropped) {
  TemporaryDirectory directory;
  WriteManyFiles(directory);
  Simulator sim;
  const int before = OpenDescriptors();

  EXPECT_EQ(sim.Run(TakeOne(directory.path())), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ListDirectoryTest, ClosesTheDirectoryWhenItIsClosed) {
  TemporaryDirectory directory;
  WriteManyFiles(directory);
  Simulator sim;
  auto take_and_close = [](std::string path) -> Task<absl::Status> {
    const int before = OpenDescriptors();
    AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing =
        ListDirectory(path);
    std::optional<absl::StatusOr<DirectoryEntry>> item =
        co_await listing.Next();
    EXPECT_TRUE(item.has_value());
    EXPECT_EQ(OpenDescriptors(), before + 1);
    co_await listing.Close();
    EXPECT_EQ(OpenDescriptors(), before);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(take_and_close(directory.path())), absl::OkStatus());
}

TEST(ListDirectoryTest, ClosesTheDirectoryAtItsEnd) {
  TemporaryDirectory directory;
  directory.Write("one", "");
  Simulator sim;
  const int before = OpenDescriptors();
  auto read_to_the_end = [before](std::string path) -> Task<absl::Status> {
    AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing =
        ListDirectory(path);
    while (auto item = co_await listing.Next()) EXPECT_TRUE(item->ok());
    EXPECT_EQ(OpenDescriptors(), before);  // Though it lives on.
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(read_to_the_end(directory.path())), absl::OkStatus());
}

TEST(ListDirectoryTest, EndsWithCancelledWhenItIsCancelled) {
  TemporaryDirectory directory;
  directory.Write("one", "");
  Simulator sim;
  const int before = OpenDescriptors();
  JoinHandle<absl::Status> lister =
      sim.SpawnJoinable(TakeOne(directory.path()));

  lister.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(lister.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- A system that is not at its best ---

TEST(ListDirectoryTest, MakesInterruptedCallsAgain) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  directory.Write("other", "");
  Interrupting system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, ElementsAre(Pair("file", FileKind::kFile),
                                    Pair("other", FileKind::kFile)));
}

TEST(ListDirectoryTest, AnErrorInTheMiddleIsTheLastItem) {
  class Failing : public SimulatedSystem {
   public:
    dirent* readdir(DIR* directory) override {
      if (++reads_ == 4) {
        errno = EIO;
        return nullptr;
      }
      dirent* const entry = SimulatedSystem::readdir(directory);
      if (entry != nullptr && entry->d_name[0] != '.') ++names;
      return entry;
    }

    std::size_t names = 0;

   private:
    int reads_ = 0;
  } system;
  TemporaryDirectory directory;
  for (const char* name : {"a", "b", "c", "d"}) directory.Write(name, "");
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  Entries entries;

  const absl::Status status = sim.Run(CollectInto(directory.path(), entries));

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("readdir(\""));
  // The first three, of which "." and ".." may have been two.
  EXPECT_EQ(system.names, entries.size());
  EXPECT_GE(entries.size(), 1U);
  EXPECT_EQ(OpenDescriptors(), before);
}

// A file system that gives names without kinds.
class KindlessSystem : public SimulatedSystem {
 public:
  dirent* readdir(DIR* directory) override {
    dirent* const entry = SimulatedSystem::readdir(directory);
    if (entry != nullptr) entry->d_type = DT_UNKNOWN;
    return entry;
  }
  int lstat(const char* path, struct stat* out) override {
    if (std::string_view(path).ends_with("gone")) {
      errno = ENOENT;
      return -1;
    }
    return SimulatedSystem::lstat(path, out);
  }
};

TEST(ListDirectoryTest, AsksForKindsThatTheFileSystemDoesNotGive) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("inner", (directory / "link").c_str()), 0);
  KindlessSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, ElementsAre(Pair("file", FileKind::kFile),
                                    Pair("inner", FileKind::kDirectory),
                                    Pair("link", FileKind::kSymbolicLink)));
}

TEST(ListDirectoryTest, LeavesOutWhatIsGoneBeforeItIsAskedAbout) {
  TemporaryDirectory directory;
  directory.Write("gone", "");
  directory.Write("here", "");
  KindlessSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<Entries> entries = sim.Run(Collect(directory.path()));

  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_THAT(*entries, ElementsAre(Pair("here", FileKind::kFile)));
}

}  // namespace
}  // namespace weft::fs
