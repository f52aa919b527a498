// Tests of what only inotify tells of files and directories: which names, which
// halves belong together, who has closed, and that changes were lost. In
// simulation, on real files, and with queues that overflow and fail.
//
// SPDX-License-Identifier: MIT

#include <sys/inotify.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/watch.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/yield.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/watch_fixture.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::TemporaryDirectory;

class LinuxWatchTest : public WatchTest {};

TEST_F(LinuxWatchTest, TellsThatAFileWasClosed) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "file"));
    Append(in / "file", "text");
    FileChange first = co_await OrReturn(watcher.Next());
    EXPECT_EQ(first.kind, Kind::kWritten);
    FileChange second = co_await OrReturn(watcher.Next());
    EXPECT_EQ(second.kind, Kind::kClosed);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(LinuxWatchTest, TellsWhatHappensInADirectoryByName) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    in.Write("file", "text");
    std::filesystem::create_directory(in / "inner");
    std::filesystem::remove(in / "file");
    std::vector<FileChange> all = co_await OrReturn(TakeAll(watcher));
    std::vector<Told> told;
    for (const FileChange& change : all) {
      told.push_back({change.kind, change.name});
      EXPECT_EQ(change.is_directory, change.name == "inner");
    }
    EXPECT_THAT(
        told,
        ElementsAre(Told{Kind::kCreated, "file"}, Told{Kind::kWritten, "file"},
                    Told{Kind::kClosed, "file"}, Told{Kind::kCreated, "inner"},
                    Told{Kind::kDeleted, "file"}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(LinuxWatchTest, BothHalvesOfARenameHaveTheSameCookie) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    std::filesystem::create_directory(in / "a");
    std::filesystem::create_directory(in / "b");
    in.Write("a/file", "");
    in.Write("outside", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId a = co_await OrReturn(watcher.Add(in / "a"));
    WatchId b = co_await OrReturn(watcher.Add(in / "b"));
    std::filesystem::rename(in / "a/file", in / "b/other");
    std::filesystem::rename(in / "outside", in / "b/inside");
    FileChange from = co_await OrReturn(watcher.Next());
    FileChange to = co_await OrReturn(watcher.Next());
    FileChange alone = co_await OrReturn(watcher.Next());
    EXPECT_EQ(from.watch, a);
    EXPECT_EQ(from.kind, Kind::kMovedFrom);
    EXPECT_EQ(from.name, "file");
    EXPECT_EQ(to.watch, b);
    EXPECT_EQ(to.kind, Kind::kMovedTo);
    EXPECT_EQ(to.name, "other");
    EXPECT_EQ(from.cookie, to.cookie);
    EXPECT_NE(from.cookie, 0U);
    EXPECT_EQ(alone.kind, Kind::kMovedTo);
    EXPECT_NE(alone.cookie, to.cookie);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(LinuxWatchTest, ALoopOfChangesLetsOthersRun) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    for (int i = 0; i < 500; ++i) in.Write(std::to_string(i), "");
    int count = 0;
    JoinHandle<absl::Status> counting =
        Spawn([&watcher, &count] { return CountChanges(watcher, count); });
    while (count < 1000) co_await Yield();  // Made, and closed.
    watcher.Close();
    absl::Status ended = co_await counting.Join();
    EXPECT_EQ(ended.code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

// Takes changes one by one, and counts what it was given.
Task<absl::Status> WatchAndMake(const TemporaryDirectory& in, int& given) {
  Watcher watcher = co_await OrReturn(Watcher::Create());
  co_await OrReturn(watcher.Add(in.path()));
  for (int i = 0; i < 3; ++i) {
    std::filesystem::create_directory(in / std::to_string(2 * i));
    std::filesystem::create_directory(in / std::to_string(2 * i + 1));
    FileChange change = co_await OrReturn(watcher.Next());
    EXPECT_EQ(change.name, std::to_string(given));
    ++given;
  }
  co_return absl::OkStatus();
}

TEST_F(LinuxWatchTest, ChangesComeInOrderWhereverTheWaitIsCancelled) {
  std::optional<TemporaryDirectory> directory;
  int given = 0;
  auto start = [&] {
    given = 0;
    return WatchAndMake(directory.emplace(), given);
  };
  auto check = [&](const absl::Status& status, const auto&...) {
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    EXPECT_EQ(status.ok(), given == 3);
  };

  EXPECT_TRUE(weft::testing::CancelEverywhere({}, start, check).ok());
  EXPECT_GE(CancelAtEveryCall(start, check), 3);
}

// --- A system that is not at its best ---------------------------------------

TEST_F(LinuxWatchTest, SaysThatChangesWereLost) {
  class Overflowing : public SimulatedSystem {
   public:
    ssize_t read(int, void* buffer, std::size_t) override {
      inotify_event event{};
      event.wd = -1;
      event.mask = IN_Q_OVERFLOW;
      std::memcpy(buffer, &event, sizeof(event));
      return sizeof(event);
    }
  } system;
  system_ = &system;
  auto watch = [](const TemporaryDirectory&) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    FileChange change = co_await OrReturn(watcher.Next());
    EXPECT_EQ(change.kind, Kind::kOverflow);
    EXPECT_EQ(change.watch, WatchId::kNone);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(LinuxWatchTest, ReportsWhatEachOfItsCallsSays) {
  class Failing : public SimulatedSystem {
   public:
    int inotify_init() override {
      if (!no_queue) return SimulatedSystem::inotify_init();
      errno = EMFILE;
      return -1;
    }
    int inotify_add_watch(int, const char*, std::uint32_t) override {
      errno = ENOSPC;
      return -1;
    }
    ssize_t read(int, void*, std::size_t) override {
      errno = EIO;
      return -1;
    }
    bool no_queue = false;
  } system;
  system_ = &system;
  auto fail = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    absl::StatusOr<WatchId> added = co_await watcher.Add(in.path());
    EXPECT_EQ(added.status().code(), absl::StatusCode::kResourceExhausted);
    absl::StatusOr<FileChange> change = co_await watcher.Next();
    EXPECT_EQ(std::string(change.status().message()),
              "read(inotify): Input/output error");
    co_return absl::OkStatus();
  };
  auto make = [](const TemporaryDirectory&) -> Task<absl::Status> {
    co_return Watcher::Create().status();
  };

  EXPECT_EQ(Run(fail), absl::OkStatus());
  system.no_queue = true;
  EXPECT_EQ(Run(make).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(LinuxWatchTest, GoesOnThroughInterruptsAndSaysWhatIsMissing) {
  class Interrupting : public SimulatedSystem {
   public:
    int inotify_init() override {
      return Interrupt() ? -1 : SimulatedSystem::inotify_init();
    }
    int inotify_add_watch(int fd, const char* path,
                          std::uint32_t mask) override {
      if (Interrupt()) return -1;
      return SimulatedSystem::inotify_add_watch(fd, path, mask);
    }
    int inotify_rm_watch(int fd, int watch) override {
      return Interrupt() ? -1 : SimulatedSystem::inotify_rm_watch(fd, watch);
    }

   private:
    bool Interrupt() {
      interrupts_ = !interrupts_;
      if (interrupts_) errno = EINTR;
      return interrupts_;
    }
    bool interrupts_ = false;
  } system;
  system_ = &system;
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId id = co_await OrReturn(watcher.Add(in.path()));
    co_await OrReturn(watcher.Remove(id));
    absl::StatusOr<WatchId> none = co_await watcher.Add(in / "none");
    EXPECT_EQ(std::string(none.status().message()),
              "inotify_add_watch(\"" + in / "none" +
                  "\"): No such file or directory");
    const std::string_view bad("a\0b", 3);
    absl::StatusOr<WatchId> refused = co_await watcher.Add(bad);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

}  // namespace
}  // namespace weft::fs
