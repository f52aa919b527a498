// Tests of locks on files. In simulation, on real files: two openings of one
// file are as far apart as two programs.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() { directory_.Write("file", ""); }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
};

Task<absl::Status> HoldFor(std::string path, absl::Duration duration,
                           LockKind kind) {
  File file = co_await OrReturn(File::Open(path));
  FileLock lock = co_await OrReturn(LockFile(file, kind));
  co_await OrReturn(SleepFor(duration));
  co_return absl::OkStatus();
}

TEST_F(FileLockTest, AnExclusiveLockKeepsEveryOtherOut) {
  auto ask = [](std::string path) -> Task<absl::Status> {
    File one = co_await OrReturn(File::Open(path));
    File other = co_await OrReturn(File::Open(path));
    FileLock held = co_await OrReturn(TryLockFile(one, LockKind::kExclusive));
    EXPECT_TRUE(held);
    for (const LockKind kind : {LockKind::kShared, LockKind::kExclusive}) {
      FileLock refused = co_await OrReturn(TryLockFile(other, kind));
      EXPECT_FALSE(refused);
    }
    co_await OrReturn(held.Release());
    EXPECT_FALSE(held);
    co_await OrReturn(held.Release());
    FileLock now = co_await OrReturn(TryLockFile(other, LockKind::kShared));
    EXPECT_TRUE(now);
    FileLock too = co_await OrReturn(TryLockFile(one, LockKind::kShared));
    EXPECT_TRUE(too);
    co_return absl::OkStatus();
  };
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(ask(path_)), absl::OkStatus());
}

TEST_F(FileLockTest, WaitsUntilTheOtherIsGone) {
  Simulator sim;
  const Instant before = sim.now();
  sim.Spawn(HoldFor(path_, absl::Seconds(3), LockKind::kExclusive));

  EXPECT_EQ(sim.Run(HoldFor(path_, absl::ZeroDuration(), LockKind::kShared)),
            absl::OkStatus());

  EXPECT_GE(sim.now() - before, absl::Seconds(3));
  EXPECT_LE(sim.now() - before, absl::Seconds(3) + absl::Milliseconds(101));
}

TEST_F(FileLockTest, ALockThatIsDroppedIsFree) {
  auto drop = [](std::string path) -> Task<absl::Status> {
    File one = co_await OrReturn(File::Open(path));
    File other = co_await OrReturn(File::Open(path));
    {
      FileLock held = co_await OrReturn(LockFile(one, LockKind::kExclusive));
      const FileLock moved(std::move(held));
      EXPECT_TRUE(moved);
    }
    FileLock now = co_await OrReturn(TryLockFile(other, LockKind::kExclusive));
    EXPECT_TRUE(now);
    co_return absl::OkStatus();
  };
  Simulator sim;

  EXPECT_EQ(sim.Run(drop(path_)), absl::OkStatus());
}

TEST_F(FileLockTest, SaysWhatTheFileSystemSays) {
  class Lockless : public SimulatedSystem {
   public:
    int flock(int, int) override {
      errno = ENOTSUP;
      return -1;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status =
      sim.Run(HoldFor(path_, absl::ZeroDuration(), LockKind::kShared));

  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(std::string(status.message()).find("flock(\"" + path_ + "\")"), 0U);
}

// Cancelled while it asks as well as while it pauses.
TEST_F(FileLockTest, WhoeverIsCancelledHoldsNothing) {
  auto start = [this] {
    return HoldFor(path_, absl::Seconds(1), LockKind::kExclusive);
  };
  auto is_free = [this](const absl::Status& status, const auto&...) {
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    const reactor::Fd other(
        reactor::System::Kernel().open(path_.c_str(), 0, 0));
    EXPECT_EQ(reactor::System::Kernel().flock(other.get(), LOCK_EX | LOCK_NB),
              0);
  };

  EXPECT_GE(CancelAtEveryCall(start, is_free), 3);
  EXPECT_TRUE(weft::testing::CancelEverywhere({}, start, is_free).ok());
}

TEST_F(FileLockTest, AWaitForALockCanBeCancelled) {
  Simulator sim;
  sim.Spawn(HoldFor(path_, absl::Hours(1), LockKind::kExclusive));
  sim.RunFor(absl::Seconds(1));
  JoinHandle<absl::Status> waiter = sim.SpawnJoinable(
      HoldFor(path_, absl::ZeroDuration(), LockKind::kExclusive));
  sim.RunFor(absl::Seconds(1));
  const Instant before = sim.now();

  waiter.Cancel();
  sim.RunFor(absl::ZeroDuration());

  EXPECT_TRUE(waiter.finished());
  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
  EXPECT_EQ(sim.now(), before);
}

}  // namespace
}  // namespace weft::fs
