// The end of a runtime under many tasks in each kind of wait that files have.
// (What only goes to the blocking pool is Block in net_shutdown_test.cc.)
//
// SPDX-License-Identifier: MIT

#include <array>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/file_lock.h"
#include "weft/fs/watch.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/tests/support/crowd.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

class FsScene : public tests::Scene {
 public:
  FsScene() { folder.Write("file", ""); }

  Task<absl::Status> Prepare() override {
    holder = co_await OrReturn(File::Open(folder / "file"));
    asker = co_await OrReturn(File::Open(folder / "file"));
    FileLock lock = co_await OrReturn(LockFile(*holder, LockKind::kExclusive));
    held.emplace(std::move(lock));
    co_return absl::OkStatus();
  }

  const testing::TemporaryDirectory folder;
  std::optional<File> holder;
  std::optional<File> asker;     // Another opening of the same file.
  std::optional<FileLock> held;  // Given up before they are closed.
};

// Through one opening: it is not what is waited for.
Task<absl::Status> Lock(FsScene& scene, int) {
  scene.CountIn();
  const absl::StatusOr<FileLock> lock =
      co_await LockFile(*scene.asker, LockKind::kExclusive);
  co_return lock.status();
}

Task<absl::Status> NextChange(FsScene& scene, int) {
  Watcher watcher = co_await OrReturn(Watcher::Create());
  co_await OrReturn(watcher.Add(scene.folder.path()));
  scene.CountIn();
  const absl::StatusOr<FileChange> change = co_await watcher.Next();
  co_return change.status();
}

using FsWait = tests::WaitKind<FsScene>;

constexpr std::array kKinds = {
    FsWait{"Lock", Lock},
    // Of 128 that a user may have at a time (inotify(7)), with what else runs.
    FsWait{"NextChange", NextChange, 1, 50},
};

using FsShutdownTest = tests::CrowdTest<FsScene>;

INSTANTIATE_TEST_SUITE_P(
    Each, FsShutdownTest,
    ::testing::Combine(::testing::ValuesIn(kKinds),
                       ::testing::Values(Flavor::kWorkStealing,
                                         Flavor::kPerCore)),
    FsShutdownTest::NameOf);

TEST_P(FsShutdownTest, EndsTenThousandTasksInOneKindOfWait) {
  EndAgainAndAgain();
}

}  // namespace
}  // namespace weft::fs
