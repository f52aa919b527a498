// Tests that what is done with the names of files bears every single fault of
// the system: it ends with what failed, and leaves nothing open.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/directory.h"
#include "weft/fs/file.h"
#include "weft/fs/metadata.h"
#include "weft/fs/names.h"
#include "weft/fs/remove_all.h"
#include "weft/fs/space.h"
#include "weft/fs/temporary_directory.h"
#include "weft/fs/temporary_file.h"
#include "weft/fs/walk.h"
#include "weft/fs/watch.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/fs/session_folder.h"
#include "weft/tests/support/single_faults.h"

namespace weft::fs {
namespace {

using ::weft::tests::FaultsBorne;

// --- One name at a time -----------------------------------------------------

Task<absl::Status> UseNames(std::string folder) {
  const std::string old = folder + "/old";
  co_await OrReturn(CreateDirectories(folder + "/one/two"));
  co_await OrReturn(CreateDirectory(folder + "/three"));
  co_await OrReturn(CreateLink(old, folder + "/three/same"));
  co_await OrReturn(CreateSymbolicLink(old, folder + "/link"));
  const std::string target = co_await OrReturn(ReadLink(folder + "/link"));
  EXPECT_EQ(target, old);
  co_await OrReturn(Canonical(folder + "/link"));
  co_await OrReturn(GetMetadata(folder + "/link", Links::kNoFollow));
  const bool there = co_await OrReturn(Exists(folder + "/link"));
  EXPECT_TRUE(there);
  co_await OrReturn(SetPermissions(old, 0600));
  const FileTimes times = {.modified = absl::UnixEpoch()};
  co_await OrReturn(SetTimes(old, times));
  co_await OrReturn(SetOwner(old, FileOwner()));
  const Space space = co_await OrReturn(GetSpace(old));
  EXPECT_GE(space.total, space.free);
  co_await OrReturn(Rename(old, folder + "/other", Overwrite::kNo));
  co_await OrReturn(Rename(folder + "/other", folder + "/new"));
  co_await OrReturn(RemoveFile(folder + "/link"));
  co_return co_await RemoveDirectory(folder + "/one/two");
}

// What was moved has one of its names, and one only.
absl::Status CheckMoved(const absl::Status& ended,
                        const SessionFolder& folder) {
  int names = 0;
  for (const char* const name : {"old", "other", "new"}) {
    if (folder.get().Names().contains(name)) ++names;
  }
  if (names != 1) return absl::InternalError("lost, or doubled");
  if (ended.ok() && !folder.get().Names().contains("new")) {
    return absl::InternalError("not moved");
  }
  return absl::OkStatus();
}

TEST(SingleFaultsNamesTest, NamesBearEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, UseNames, CheckMoved));

  EXPECT_GE(borne, 90);
}

// --- Trees ------------------------------------------------------------------

Task<absl::Status> MakeTree(std::string root) {
  co_await OrReturn(CreateDirectories(root + "/a/b"));
  co_await OrReturn(CreateDirectories(root + "/c"));
  File leaf = co_await OrReturn(File::Open(root + "/a/b/leaf", kReplace));
  co_return co_await leaf.Close();
}

Task<absl::Status> WalkAndRemove(std::string folder) {
  const std::string root = folder + "/tree";
  co_await OrReturn(MakeTree(root));
  int listed = 0;
  auto entries = ListDirectory(root);
  while (std::optional<absl::StatusOr<DirectoryEntry>> entry =
             co_await entries.Next()) {
    co_await OrReturn(std::move(*entry));
    ++listed;
  }
  EXPECT_EQ(listed, 2);
  int walked = 0;
  auto walk = WalkDirectory(root);
  while (std::optional<absl::StatusOr<WalkEntry>> entry =
             co_await walk.Next()) {
    co_await OrReturn(std::move(*entry));
    ++walked;
  }
  EXPECT_EQ(walked, 4);
  const std::uint64_t removed = co_await OrReturn(RemoveAll(root));
  EXPECT_EQ(removed, 5U);
  co_return absl::OkStatus();
}

absl::Status CheckRemoved(const absl::Status& ended,
                          const SessionFolder& folder) {
  if (!ended.ok() || !folder.get().Names().contains("tree")) {
    return absl::OkStatus();
  }
  return absl::InternalError("the tree is still there");
}

TEST(SingleFaultsNamesTest, ATreeBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, WalkAndRemove, CheckRemoved));

  EXPECT_GE(borne, 250);
}

// --- What goes by itself ----------------------------------------------------

Task<absl::Status> UseTemporaries(std::string folder) {
  TemporaryDirectory scratch =
      co_await OrReturn(TemporaryDirectory::Create(folder));
  TemporaryFile inside =
      co_await OrReturn(TemporaryFile::Create(scratch.path()));
  TemporaryFile kept = co_await OrReturn(TemporaryFile::Create(folder));
  TemporaryFile dropped = co_await OrReturn(TemporaryFile::Create(folder));
  co_await OrReturn(kept.Keep(folder + "/kept"));
  co_await OrReturn(dropped.Remove());
  co_return co_await scratch.Remove();
}

// Whatever has failed, what is temporary has gone.
absl::Status CheckGone(const absl::Status& ended, const SessionFolder& folder) {
  for (const std::string& name : folder.get().Names()) {
    if (name == "old" || name == "kept") continue;
    return absl::InternalError(absl::StrCat(name, " is left"));
  }
  if (!ended.ok() || folder.get().Names().size() == 2) return absl::OkStatus();
  return absl::InternalError("what was to be kept has gone");
}

// What has failed to remove a thing leaves it to a destructor, which may fail
// as well.
TEST(SingleFaultsNamesTest, TemporariesBearEveryOne) {
  SessionFolder folder;

  const int borne =
      FaultsBorne(InFolder(folder, UseTemporaries, CheckGone,
                           {"fdopendir", "fstat", "open", "openat", "readdir",
                            "rmdir", "unlink", "unlinkat"}));

  EXPECT_GE(borne, 120);
}

// --- Changes ----------------------------------------------------------------

Task<absl::Status> WatchAChange(std::string folder) {
  Watcher watcher = co_await OrReturn(Watcher::Create());
  const WatchId watch = co_await OrReturn(watcher.Add(folder));
  co_await OrReturn(CreateDirectory(folder + "/made"));
  FileChange change = co_await OrReturn(watcher.Next());
  EXPECT_THAT(change.kind, ::testing::AnyOf(FileChangeKind::kCreated,
                                            FileChangeKind::kEntries));
  co_await OrReturn(watcher.Remove(watch));
  while (change.kind != FileChangeKind::kUnwatched) {
    FileChange next = co_await OrReturn(watcher.Next());
    change = std::move(next);
  }
  co_return absl::OkStatus();
}

TEST(SingleFaultsNamesTest, AWatchBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, WatchAChange, NothingMore));

  EXPECT_GE(borne, 20);
}

}  // namespace
}  // namespace weft::fs
