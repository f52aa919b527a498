// Tests of what weft::fs::File asks the page cache, and what the disk: with a
// cache that holds what it is told, and counts who asks.
//
// SPDX-License-Identifier: MIT

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/file_fixture.h"

namespace weft::fs {
namespace {

using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;

// A page cache that holds what it is told, and counts who asks.
class CachingSystem : public SimulatedSystem {
 public:
  ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                       off_t at) override {
    ++asked_cache;
    largest_copy = std::max(largest_copy, size);
    if (cache_error == 0) return SimulatedSystem::pread(fd, buffer, size, at);
    errno = cache_error;
    return -1;
  }
  ssize_t pread(int fd, void* buffer, std::size_t size, off_t at) override {
    ++asked_disk;
    return SimulatedSystem::pread(fd, buffer, size, at);
  }

  int cache_error = 0;  // 0: everything is in the cache.
  int asked_cache = 0;
  int asked_disk = 0;
  std::size_t largest_copy = 0;  // That the cache was asked for.
};

class FileCacheTest : public FileTest {};

Task<absl::Status> ReadThreeTimes(File& file) {
  Buffer buffer(10);
  for (int i = 0; i < 3; ++i) {
    std::size_t got = co_await OrReturn(file.ReadAt(buffer.span(), 0));
    EXPECT_EQ(buffer.First(got), "0123456789");
  }
  co_return absl::OkStatus();
}

TEST_F(FileCacheTest, DoesNotAskTheDiskForWhatIsCached) {
  CachingSystem system;

  EXPECT_EQ(WithFile(system, {}, ReadThreeTimes), absl::OkStatus());

  EXPECT_EQ(system.asked_cache, 3);
  EXPECT_EQ(system.asked_disk, 0);
}

TEST_F(FileCacheTest, AsksTheDiskForWhatIsNotCached) {
  CachingSystem system;
  system.cache_error = EAGAIN;

  EXPECT_EQ(WithFile(system, {}, ReadThreeTimes), absl::OkStatus());

  EXPECT_EQ(system.asked_cache, 3);
  EXPECT_EQ(system.asked_disk, 3);
}

TEST_F(FileCacheTest, RemembersThatAFileSystemCannotTell) {
  for (const int error : {ENOTSUP, EOPNOTSUPP}) {
    CachingSystem system;
    system.cache_error = error;

    EXPECT_EQ(WithFile(system, {}, ReadThreeTimes), absl::OkStatus());

    EXPECT_EQ(system.asked_cache, 1);
    EXPECT_EQ(system.asked_disk, 3);
  }
}

TEST_F(FileCacheTest, LeavesTheErrorsOfTheCacheToTheDisk) {
  CachingSystem system;
  system.cache_error = EIO;

  EXPECT_EQ(WithFile(system, {}, ReadThreeTimes), absl::OkStatus());

  EXPECT_EQ(system.asked_disk, 3);
}

TEST_F(FileCacheTest, KnowsTheEndWithoutAskingTheDisk) {
  CachingSystem system;

  const absl::Status status =
      WithFile(system, {}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(4);
        std::size_t got = co_await OrReturn(file.ReadAt(buffer.span(), 10));
        EXPECT_EQ(got, 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.asked_disk, 0);
}

// The copy is made on the worker, which others need as well.
TEST_F(FileCacheTest, CopiesAMegabyteAtATimeOutOfTheCache) {
  constexpr std::size_t kMegabyte = 1 << 20;
  std::string contents;
  while (contents.size() < 3'500'000) contents += "0123456789abc";
  directory_.Write("file", contents);
  CachingSystem system;

  const absl::Status status =
      WithFile(system, {}, [&](File& file) -> Task<absl::Status> {
        Buffer buffer(contents.size());
        std::size_t got = co_await OrReturn(file.ReadAt(buffer.span(), 0));
        EXPECT_EQ(got, kMegabyte);
        co_await OrReturn(file.ReadExactly(buffer.span()));
        EXPECT_TRUE(buffer.First(contents.size()) == contents);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.largest_copy, kMegabyte);
  EXPECT_EQ(system.asked_disk, 0);
}

// As Linux 5.9 and 5.10 do.
TEST_F(FileCacheTest, DoesNotBelieveInAnEndThatIsNone) {
  class Forgetful : public CachingSystem {
   public:
    ssize_t pread_nowait(int, void*, std::size_t, off_t) override { return 0; }
  } system;

  EXPECT_EQ(WithFile(system, {}, ReadThreeTimes), absl::OkStatus());

  EXPECT_EQ(system.asked_disk, 3);
}

// Reads what is cached, again and again, and says when it is done.
Task<absl::Status> ReadOften(std::string path, bool& done) {
  File file = co_await OrReturn(File::Open(path));
  Buffer buffer(1);
  for (int i = 0; i < 1000; ++i) {
    std::size_t got = co_await OrReturn(file.ReadAt(buffer.span(), 0));
    EXPECT_EQ(got, 1U);
  }
  done = true;
  co_return absl::OkStatus();
}

TEST_F(FileCacheTest, ALoopOfCachedReadsLetsOthersRun) {
  CachingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  bool done = false;
  bool ran_meanwhile = false;
  auto look = [&]() -> Task<> {
    ran_meanwhile = !done;
    co_return;
  };

  sim.Spawn(ReadOften(path_, done));
  sim.Spawn(look());
  sim.RunUntilIdle();

  EXPECT_TRUE(done);
  EXPECT_TRUE(ran_meanwhile);
  EXPECT_EQ(system.asked_disk, 0);
}

TEST_F(FileCacheTest, AReadThatHadToQueueMayStillHaveToAskTheDisk) {
  CachingSystem system;
  system.cache_error = EAGAIN;
  Simulator sim({.seed = {}, .system = &system});
  bool done = false;

  const absl::Status status = sim.Run(ReadOften(path_, done));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.asked_disk, 1000);
}

// Cancelled before it reads, it does not look into the cache.
TEST_F(FileCacheTest, ACancelledReadReadsNothing) {
  CachingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  JoinHandle<absl::Status> reader;
  auto read = [&](std::string path) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(path));
    Buffer buffer(4);
    reader.Cancel();
    absl::StatusOr<std::size_t> got = co_await file.Read(buffer.span());
    EXPECT_EQ(buffer.First(4), "....");
    EXPECT_EQ(file.cursor(), 0U);
    co_return got.status();
  };

  reader = sim.SpawnJoinable(read(path_));
  sim.RunUntilIdle();

  EXPECT_EQ(reader.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(system.asked_cache + system.asked_disk, 0);
}

// Cancelled while it waits for its turn.
TEST_F(FileCacheTest, AReadThatIsCancelledInTheQueueReadsNothing) {
  CachingSystem system;
  Simulator sim({.seed = {}, .system = &system});
  bool done = false;
  JoinHandle<absl::Status> reader = sim.SpawnJoinable(ReadOften(path_, done));
  auto cancel = [&]() -> Task<> {
    reader.Cancel();
    co_return;
  };

  sim.Spawn(cancel());
  sim.RunUntilIdle();

  EXPECT_EQ(reader.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(done);
  EXPECT_GT(system.asked_cache, 0);
  EXPECT_LT(system.asked_cache, 1000);
}

}  // namespace
}  // namespace weft::fs
