// Tests of weft::reactor::FileChanges: of its queue alone, which never blocks.
// What it tells of files is tested with tasks that wait for it, in
// tests/fs/watch_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/file_changes.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::weft::testing::TemporaryDirectory;

class FileChangesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<Fd> queue = changes_.Open();
    ASSERT_TRUE(queue.ok()) << queue.status();
    queue_ = *std::move(queue);
  }
  absl::StatusOr<WatchId> Add(const std::string& path) {
    return changes_.Add(queue_.get(), path, {});
  }
  absl::Status Read() { return changes_.Read(queue_.get(), into_); }

  TemporaryDirectory directory_;
  FileChanges changes_{System::Kernel()};
  Fd queue_;
  std::deque<FileChange> into_;
};

TEST_F(FileChangesTest, ReadsNothingFromAnEmptyQueue) {
  ASSERT_TRUE(Add(directory_.path()).ok());

  EXPECT_EQ(Read(), absl::OkStatus());

  EXPECT_THAT(into_, IsEmpty());
}

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

TEST_F(FileChangesTest, SaysWhatIsNoWatch) {
  const absl::Status none = Add(directory_ / "none").status();
  const absl::Status removed = changes_.Remove(queue_.get(), WatchId{77});

  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(removed.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileChangesTest, MakesAnInterruptedReadAgainAndReportsAnother) {
  class Failing : public System {
   public:
    ssize_t read(int, void*, std::size_t) override {
      errno = ++calls == 1 ? EINTR : EIO;
      return -1;
    }
    int calls = 0;
  } system;
  FileChanges changes(system);

  const absl::Status status = changes.Read(queue_.get(), into_);

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(system.calls, 2);
}

}  // namespace
}  // namespace weft::reactor
