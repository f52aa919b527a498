// Tests of FileChanges over inotify: how it reads the kernel's queue.
//
// SPDX-License-Identifier: MIT

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/file_changes.h"
#include "weft/tests/reactor/file_changes_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::SizeIs;

TEST_F(FileChangesTest, ReadsAllThatIsThereInOrder) {
  const absl::StatusOr<WatchId> watch = Add(directory_.path());
  ASSERT_TRUE(watch.ok()) << watch.status();
  // With names of all lengths, since what is between them is padding.
  for (int i = 0; i < 40; ++i) {
    const std::string name(static_cast<std::size_t>(i * 5 + 1), 'x');
    ASSERT_EQ(::mkdir((directory_ / name).c_str(), 0700), 0);
  }

  for (int i = 0; i < 3; ++i) ASSERT_EQ(Read(), absl::OkStatus());

  ASSERT_THAT(into_, SizeIs(40));
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(into_[i].watch, *watch);
    EXPECT_EQ(into_[i].kind, FileChangeKind::kCreated);
    EXPECT_EQ(into_[i].name, std::string(i * 5 + 1, 'x'));
    EXPECT_TRUE(into_[i].is_directory);
  }
}

}  // namespace
}  // namespace weft::reactor
