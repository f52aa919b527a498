// Opens that are cancelled at any moment, also while a thread of the pool is
// inside the call: the file is the caller's, or closed. (tokio#7983 left it
// open.)
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/soak.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::weft::testing::OpenDescriptors;

TEST(FsOpenStressTest, WhatIsCancelledAtAnyMomentLeavesNothingOpen) {
  const testing::TemporaryDirectory folder;
  folder.Write("file", "text");
  const std::string path = folder / "file";
  const int before = OpenDescriptors();
  std::int64_t opened = 0;
  std::int64_t cancelled = 0;
  {
    Runtime runtime({.workers = 2, .max_blocking_threads = 2});
    const std::int64_t rounds = tests::Times(20'000);
    for (std::int64_t round = 0; round < rounds; ++round) {
      JoinHandle<absl::StatusOr<File>> opening =
          runtime.Spawn(File::Open(path));
      for (std::int64_t i = 0; i < round % 50; ++i) std::this_thread::yield();
      opening.Cancel();
      const absl::StatusOr<File> file = opening.BlockingJoin();
      opened += file.ok();
      cancelled += absl::IsCancelled(file.status());
    }
    EXPECT_EQ(opened + cancelled, rounds);
    // The number of one that is not known to be closed yet.
    EXPECT_LE(OpenDescriptors(), before + 40);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_GT(cancelled, 0);
}

}  // namespace
}  // namespace weft::fs
