// Tests of weft::reactor::FileChanges: of its queue alone, which never blocks.
// What only one system does is in the files beside this one; what it tells of
// files is tested with tasks that wait for it, in tests/fs/watch_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/file_changes.h"

#include <sys/types.h>

#include <cerrno>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/system.h"
#include "weft/tests/reactor/file_changes_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

TEST_F(FileChangesTest, ReadsNothingFromAnEmptyQueue) {
  ASSERT_TRUE(Add(directory_.path()).ok());

  EXPECT_EQ(Read(), absl::OkStatus());

  EXPECT_THAT(into_, IsEmpty());
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
    ssize_t read(int, void*, std::size_t) override { return Fail(); }
    int event_queue_wait(absl::FunctionRef<int()>) override { return Fail(); }
    int Fail() {
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
