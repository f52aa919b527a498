// Tests of FileChanges over EVFILT_VNODE: how it empties the kernel's queue,
// and keeps it readable.
//
// SPDX-License-Identifier: MIT

#include <poll.h>
#include <sys/stat.h>

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/file_changes.h"
#include "weft/tests/reactor/file_changes_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::SizeIs;

bool IsReadable(const Fd& queue) {
  pollfd entry{queue.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST_F(FileChangesTest, ReadsAllWatchesAtOnceInAnyOrder) {
  std::set<WatchId> watches;
  for (int i = 0; i < 10; ++i) {
    const std::string path = directory_ / std::to_string(i);
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    const absl::StatusOr<WatchId> watch = Add(path);
    ASSERT_TRUE(watch.ok()) << watch.status();
    watches.insert(*watch);
    ASSERT_EQ(::mkdir((path + "/inner").c_str(), 0700), 0);
  }

  ASSERT_EQ(Read(), absl::OkStatus());

  ASSERT_THAT(into_, SizeIs(10));
  std::set<WatchId> told;
  for (const FileChange& change : into_) {
    EXPECT_EQ(change.kind, FileChangeKind::kEntries);
    told.insert(change.watch);
  }
  EXPECT_EQ(told, watches);
}

TEST_F(FileChangesTest, IsReadableWhileThereIsSomethingToTell) {
  const absl::StatusOr<WatchId> watch = Add(directory_.path());
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_FALSE(IsReadable(queue_));

  ASSERT_EQ(::mkdir((directory_ / "inner").c_str(), 0700), 0);
  EXPECT_TRUE(IsReadable(queue_));
  // Each takes out of the kernel's queue what nobody has read yet.
  ASSERT_TRUE(Add(directory_.path()).ok());
  EXPECT_TRUE(IsReadable(queue_));
  ASSERT_EQ(changes_.Remove(queue_.get(), *watch), absl::OkStatus());
  EXPECT_TRUE(IsReadable(queue_));

  ASSERT_EQ(Read(), absl::OkStatus());
  EXPECT_FALSE(IsReadable(queue_));
  ASSERT_THAT(into_, SizeIs(2));
  EXPECT_EQ(into_[0].kind, FileChangeKind::kEntries);
  EXPECT_EQ(into_[1].kind, FileChangeKind::kUnwatched);
}

}  // namespace
}  // namespace weft::reactor
