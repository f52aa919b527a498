// Tests of watching files and directories: of what every system tells. What
// only one of them does is in linux_watch_test.cc and kqueue_watch_test.cc. In
// simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/watch_fixture.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// --- What is told -----------------------------------------------------------

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

TEST_F(WatchTest, AFileMadeShorterIsWrittenAndNothingElse) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "text");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "file"));
    std::filesystem::resize_file(in / "file", 2);
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kWritten, ""}));
    ::chmod((in / "file").c_str(), 0600);
    told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, IsEmpty());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, AFileIsWatchedUntilItHasNoNameLeft) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    std::filesystem::create_hard_link(in / "file", in / "other");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "file"));
    std::filesystem::remove(in / "file");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, IsEmpty());
    Append(in / "other", "text");
    told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kWritten, ""}));
    std::filesystem::remove(in / "other");
    told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kSelfDeleted, ""},
                                  Told{Kind::kUnwatched, ""}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, TheWatchOfAFileThatIsReplacedEnds) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "old");
    in.Write("new", "new");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId old = co_await OrReturn(watcher.Add(in / "file"));
    std::filesystem::rename(in / "new", in / "file");
    Append(in / "file", "er");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kSelfDeleted, ""},
                                  Told{Kind::kUnwatched, ""}));
    WatchId again = co_await OrReturn(watcher.Add(in / "file"));
    EXPECT_NE(again, old);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, TellsThatNamesInADirectoryChange) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const WatchOptions all = {.attributes = true};
    WatchId id = co_await OrReturn(watcher.Add(in.path(), all));
    std::filesystem::create_directory(in / "inner");
    std::vector<FileChange> told = co_await OrReturn(TakeAll(watcher));
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].watch, id);
    EXPECT_TRUE(told[0].is_directory);
    EXPECT_THAT((Told{told[0].kind, told[0].name}), IsCreation("inner"));
    ::chmod(in.path().c_str(), 0750);
    std::vector<Told> own = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(own, ElementsAre(Told{Kind::kAttributes, ""}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(WatchTest, TellsThatADirectoryIsGone) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    std::filesystem::create_directory(in / "inner");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "inner"));
    std::filesystem::rename(in / "inner", in / "moved");
    std::filesystem::remove(in / "moved");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kSelfMoved, ""},
                                  Told{Kind::kSelfDeleted, ""},
                                  Told{Kind::kUnwatched, ""}));
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
    WatchId of_file = co_await OrReturn(watcher.Add(in / "file", attributes));
    const WatchOptions link = {.links = Links::kNoFollow};
    WatchId of_link = co_await OrReturn(watcher.Add(in / "link", link));
    Append(in / "file", "text");
    ::chmod((in / "file").c_str(), 0600);
    FileChange first = co_await OrReturn(watcher.Next());
    EXPECT_EQ(first.watch, of_file);
    EXPECT_EQ(first.kind, Kind::kAttributes);
    std::filesystem::rename(in / "link", in / "moved");
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
    EXPECT_THAT(told,
                ElementsAre(IsCreation("before"), Told{Kind::kUnwatched, ""}));
    EXPECT_EQ(watcher.Remove(id).code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

// --- Waiting ----------------------------------------------------------------

// A task that waits for changes in `directory_`, and has counted them.
class WaitingWatchTest : public WatchTest {
 protected:
  WaitingWatchTest() { sim_.RunUntilIdle(); }
  ~WaitingWatchTest() override {
    watching_.Cancel();
    sim_.RunUntilIdle();
    EXPECT_TRUE(absl::IsCancelled(watching_.BlockingJoin()));
  }

  Task<absl::Status> Watch() {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    WatchId added = co_await OrReturn(watcher.Add(directory_.path()));
    id_ = added;
    watcher_ = &watcher;
    co_return co_await CountChanges(watcher, count_);
  }

  Simulator sim_;
  int count_ = 0;
  WatchId id_ = WatchId::kNone;
  Watcher* watcher_ = nullptr;
  JoinHandle<absl::Status> watching_ = sim_.SpawnJoinable(Watch());
};

TEST_F(WaitingWatchTest, WakesWhoeverWaits) {
  for (int i = 1; i <= 3; ++i) {
    std::filesystem::create_directory(directory_ / std::to_string(i));
    sim_.RunUntilIdle();
    EXPECT_EQ(count_, i);
  }
}

TEST_F(WaitingWatchTest, IsWokenByTheEndOfAWatch) {
  EXPECT_EQ(watcher_->Remove(id_), absl::OkStatus());
  sim_.RunUntilIdle();

  EXPECT_EQ(count_, 1);
}

TEST_F(WaitingWatchTest, IsWokenByWhatWasBeforeAnotherWatch) {
  std::filesystem::create_directory(directory_ / "new");
  const absl::StatusOr<WatchId> added =
      sim_.Run(watcher_->Add(directory_.path(), {.names = false}));
  sim_.RunUntilIdle();

  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(*added, id_);
  EXPECT_EQ(count_, 1);
}

TEST_F(WatchTest, EndsForAllWhenItIsClosed) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher made = co_await OrReturn(Watcher::Create());
    Watcher watcher = std::move(made);
    WatchId id = co_await OrReturn(watcher.Add(in.path()));
    int count = 0;
    JoinHandle<absl::Status> counting =
        Spawn([&watcher, &count] { return CountChanges(watcher, count); });
    std::filesystem::create_directory(in / "new");
    while (count == 0) co_await Yield();
    watcher.Close();
    absl::Status ended = co_await counting.Join();
    EXPECT_EQ(ended.code(), absl::StatusCode::kFailedPrecondition);
    absl::StatusOr<WatchId> added = co_await watcher.Add(in.path());
    EXPECT_EQ(added.status().code(), absl::StatusCode::kFailedPrecondition);
    absl::Status removed = watcher.Remove(id);
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
    const int after = OpenDescriptors();
    EXPECT_LT(after, before);
    co_await OrReturn(watcher.Release());
    EXPECT_EQ(OpenDescriptors(), after);
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

// --- Cancellation -----------------------------------------------------------

// All of it in one simulation: what a cancelled Next leaves, the next one gets.
// Of two watches, since two changes of one may come as one.
TEST_F(WatchTest, ACancelledNextLosesNothing) {
  auto take_twice = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    std::filesystem::create_directory(in / "a");
    std::filesystem::create_directory(in / "b");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "a"));
    co_await OrReturn(watcher.Add(in / "b"));
    int count = 0;
    JoinHandle<absl::Status> waiting =
        Spawn([&watcher, &count] { return CountChanges(watcher, count); });
    co_await Yield();
    std::filesystem::create_directory(in / "a/new");
    std::filesystem::create_directory(in / "b/new");
    waiting.Cancel();
    absl::Status ended = co_await waiting.Join();
    EXPECT_TRUE(absl::IsCancelled(ended));
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_EQ(static_cast<int>(told.size()) + count, 2);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(take_twice), absl::OkStatus());
}

// Takes each change before it makes the next, and counts them.
Task<absl::Status> MakeAndTake(const TemporaryDirectory& in, int& taken) {
  Watcher watcher = co_await OrReturn(Watcher::Create());
  co_await OrReturn(watcher.Add(in.path()));
  while (taken < 3) {
    std::filesystem::create_directory(in / std::to_string(taken));
    FileChange change = co_await OrReturn(watcher.Next());
    EXPECT_THAT((Told{change.kind, change.name}),
                IsCreation(std::to_string(taken)));
    ++taken;
  }
  co_return absl::OkStatus();
}

TEST_F(WatchTest, CanBeCancelledAnywhere) {
  std::optional<TemporaryDirectory> directory;
  int taken = 0;
  auto start = [&] {
    taken = 0;
    return MakeAndTake(directory.emplace(), taken);
  };
  auto check = [&](const absl::Status& status, const auto&...) {
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    EXPECT_EQ(status.ok(), taken == 3);
  };

  EXPECT_TRUE(weft::testing::CancelEverywhere({}, start, check).ok());
  EXPECT_GE(CancelAtEveryCall(start, check), 2);
}

}  // namespace
}  // namespace weft::fs
