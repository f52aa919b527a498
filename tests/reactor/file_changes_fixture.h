// A queue of changes to test, whatever it stands on, and what was read from it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_REACTOR_FILE_CHANGES_FIXTURE_H_
#define WEFT_TESTS_REACTOR_FILE_CHANGES_FIXTURE_H_

#include <deque>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/file_changes.h"
#include "weft/reactor/system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::reactor {

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

  weft::testing::TemporaryDirectory directory_;
  FileChanges changes_{System::Kernel()};
  Fd queue_;
  std::deque<FileChange> into_;
};

}  // namespace weft::reactor

#endif  // WEFT_TESTS_REACTOR_FILE_CHANGES_FIXTURE_H_
