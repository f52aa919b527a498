// Tests of watching files and directories. In simulation, on real ones, and
// with queues that overflow and fail.
//
// What is tested of names is what inotify tells; kqueue tells less.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;
using Kind = FileChangeKind;

// What was told of one watch: kinds and names.
struct Told {
  Kind kind;
  std::string name;

  bool operator==(const Told&) const = default;
};

Task<absl::StatusOr<FileChange>> TakeOne(Watcher& watcher) {
  co_return co_await watcher.Next();
}

// The changes that are there now.
Task<absl::StatusOr<std::vector<FileChange>>> TakeAll(Watcher& watcher) {
  std::vector<FileChange> all;
  for (;;) {
    absl::StatusOr<FileChange> change =
        co_await WithTimeout(absl::Seconds(1), TakeOne(watcher));
    if (absl::IsDeadlineExceeded(change.status())) co_return all;
    FileChange next = co_await OrReturn(std::move(change));
    all.push_back(std::move(next));
  }
}

Task<absl::StatusOr<std::vector<Told>>> TakeTold(Watcher& watcher) {
  std::vector<Told> told;
  std::vector<FileChange> all = co_await OrReturn(TakeAll(watcher));
  for (FileChange& change : all) {
    told.push_back({change.kind, std::move(change.name)});
  }
  co_return told;
}

void Append(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::app) << text;
}

class WatchTest : public ::testing::Test {
 protected:
  template <typename Test>
  absl::Status Run(Test test) {
    Simulator sim({.seed = {}, .system = system_});
    return sim.Run(test(directory_));
  }

  TemporaryDirectory directory_;
  SimulatedSystem own_system_;
  SimulatedSystem* system_ = &own_system_;
};

TEST_F(WatchTest, TellsWhatHappensToAFile) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId id = co_await OrReturn(watcher.Add(in / "file"));
    Append(in / "file", "text");
    FileChange first = co_await OrReturn(watcher.Next());
    EXPECT_EQ(first.watch, id);
    EXPECT_EQ(first.kind, Kind::kWritten);
    EXPECT_EQ(first.name, "");
    EXPECT_FALSE(first.is_directory);
    FileChange second = co_await OrReturn(watcher.Next());
    EXPECT_EQ(second.kind, Kind::kClosed);
    std::filesystem::rename(in / "file", in / "moved");
    std::filesystem::remove(in / "moved");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kSelfMoved, ""},
                                  Told{Kind::kSelfDeleted, ""},
                                  Told{Kind::kUnwatched, ""}));
    co_return absl::OkStatus();
  };
  const int before = OpenDescriptors();

  EXPECT_EQ(Run(watch), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WatchTest, TellsWhatHappensInADirectoryByName) {
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

TEST_F(WatchTest, BothHalvesOfARenameHaveTheSameCookie) {
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

TEST_F(WatchTest, TellsOnlyWhatIsAskedFor) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    ::symlink("file", (in / "link").c_str());
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const WatchOptions attributes = {
        .contents = false, .names = false, .attributes = true};
    co_await OrReturn(watcher.Add(in / "file", attributes));
    const WatchOptions link = {.links = Links::kNoFollow};
    WatchId of_link = co_await OrReturn(watcher.Add(in / "link", link));
    Append(in / "file", "text");
    ::chmod((in / "file").c_str(), 0600);
    std::filesystem::rename(in / "link", in / "moved");
    FileChange first = co_await OrReturn(watcher.Next());
    EXPECT_EQ(first.kind, Kind::kAttributes);
    FileChange second = co_await OrReturn(watcher.Next());
    EXPECT_EQ(second.watch, of_link);
    EXPECT_EQ(second.kind, Kind::kSelfMoved);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, OneFileHasOneWatchAndItsLastOptions) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    std::filesystem::create_hard_link(in / "file", in / "other");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const WatchOptions nothing = {.contents = false};
    WatchId first = co_await OrReturn(watcher.Add(in / "file"));
    WatchId second = co_await OrReturn(watcher.Add(in / "other", nothing));
    EXPECT_EQ(first, second);
    Append(in / "file", "text");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, IsEmpty());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, ARemovedWatchTellsWhatWasBeforeAndThatItHasEnded) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId id = co_await OrReturn(watcher.Add(in.path()));
    std::filesystem::create_directory(in / "before");
    co_await OrReturn(watcher.Remove(id));
    std::filesystem::create_directory(in / "after");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kCreated, "before"},
                                  Told{Kind::kUnwatched, ""}));
    EXPECT_EQ(watcher.Remove(id).code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

// --- Waiting ----------------------------------------------------------------

Task<absl::Status> CountChanges(Watcher& watcher, int& count) {
  for (;;) {
    FileChange change = co_await OrReturn(watcher.Next());
    static_cast<void>(change);
    ++count;
  }
}

TEST_F(WatchTest, WakesWhoeverWaits) {
  Simulator sim;
  int count = 0;
  auto watch = [](const TemporaryDirectory& in,
                  int& counted) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    co_return co_await CountChanges(watcher, counted);
  };
  JoinHandle<absl::Status> watching =
      sim.SpawnJoinable(watch(directory_, count));
  sim.RunUntilIdle();

  for (int i = 1; i <= 3; ++i) {
    std::filesystem::create_directory(directory_ / std::to_string(i));
    sim.RunUntilIdle();
    EXPECT_EQ(count, i);
  }

  watching.Cancel();
  sim.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(watching.BlockingJoin()));
}

TEST_F(WatchTest, ALoopOfChangesLetsOthersRunAndEndsWhenItIsClosed) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher made = co_await OrReturn(Watcher::Create());
    Watcher watcher = std::move(made);
    co_await OrReturn(watcher.Add(in.path()));
    for (int i = 0; i < 500; ++i) in.Write(std::to_string(i), "");
    int count = 0;
    JoinHandle<absl::Status> counting =
        Spawn([&watcher, &count] { return CountChanges(watcher, count); });
    while (count < 1000) co_await Yield();  // Made, and closed.
    watcher.Close();
    absl::Status ended = co_await counting.Join();
    EXPECT_EQ(ended.code(), absl::StatusCode::kFailedPrecondition);
    absl::StatusOr<WatchId> added = co_await watcher.Add(in.path());
    EXPECT_EQ(added.status().code(), absl::StatusCode::kFailedPrecondition);
    absl::Status removed = watcher.Remove(WatchId{1});
    EXPECT_EQ(removed.code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, IsReleasedOnThePoolAndOnce) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    JoinHandle<absl::StatusOr<FileChange>> waiting =
        Spawn([&watcher] { return TakeOne(watcher); });
    co_await Yield();
    const int before = OpenDescriptors();
    co_await OrReturn(watcher.Release());
    co_await OrReturn(watcher.Release());
    EXPECT_EQ(OpenDescriptors(), before - 1);
    absl::StatusOr<FileChange> ended = co_await waiting.Join();
    EXPECT_EQ(ended.status().code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, AReleaseThatIsCancelledLeavesItOpen) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    JoinHandle<absl::Status> releasing =
        Spawn([&watcher] { return watcher.Release(); });
    releasing.Cancel();
    absl::Status released = co_await releasing.Join();
    EXPECT_TRUE(absl::IsCancelled(released));
    co_await OrReturn(watcher.Add(in.path()));
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

// All of it in one simulation: what a cancelled Next leaves, the next one gets.
TEST_F(WatchTest, ACancelledNextLosesNothing) {
  auto take_twice = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    int count = 0;
    JoinHandle<absl::Status> waiting =
        Spawn([&watcher, &count] { return CountChanges(watcher, count); });
    co_await Yield();
    std::filesystem::create_directory(in / "a");
    std::filesystem::create_directory(in / "b");
    waiting.Cancel();
    absl::Status ended = co_await waiting.Join();
    EXPECT_TRUE(absl::IsCancelled(ended));
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_EQ(static_cast<int>(told.size()) + count, 2);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(take_twice), absl::OkStatus());
}

TEST_F(WatchTest, ChangesComeInOrderWhereverTheWaitIsCancelled) {
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

TEST_F(WatchTest, SaysThatChangesWereLost) {
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

TEST_F(WatchTest, ReportsWhatEachOfItsCallsSays) {
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

TEST_F(WatchTest, GoesOnThroughInterruptsAndSaysWhatIsMissing) {
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
