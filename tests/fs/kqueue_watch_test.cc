// Tests of what a watcher over EVFILT_VNODE alone does: changes that come as
// one, a descriptor for each watch, and a kernel that fails.
//
// SPDX-License-Identifier: MIT

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/watch.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/fs/watch_fixture.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::TemporaryDirectory;

class KqueueWatchTest : public WatchTest {};

TEST_F(KqueueWatchTest, ChangesOfANameComeAsOne) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in.path()));
    in.Write("file", "text");
    std::filesystem::rename(in / "file", in / "other");
    std::filesystem::remove(in / "other");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kEntries, ""}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(KqueueWatchTest, WritesToWhatIsInADirectoryAreNotTold) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const WatchOptions all = {.attributes = true};
    co_await OrReturn(watcher.Add(in.path(), all));
    Append(in / "file", "text");
    ::chmod((in / "file").c_str(), 0600);
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, IsEmpty());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(KqueueWatchTest, WhatHappensToOneFileComesInTheOrderOfItsKinds) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const WatchOptions all = {.attributes = true};
    co_await OrReturn(watcher.Add(in / "file", all));
    std::filesystem::rename(in / "file", in / "moved");
    std::filesystem::create_hard_link(in / "moved", in / "other");
    Append(in / "moved", "text");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(
        told, ElementsAre(Told{Kind::kWritten, ""}, Told{Kind::kAttributes, ""},
                          Told{Kind::kSelfMoved, ""}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(KqueueWatchTest, AWatchHasADescriptorUntilItEnds) {
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    std::filesystem::create_directory(in / "inner");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    const int before = OpenDescriptors();
    WatchId id = co_await OrReturn(watcher.Add(in / "file"));
    co_await OrReturn(watcher.Add(in / "inner"));
    EXPECT_GE(OpenDescriptors(), before + 2);
    co_await OrReturn(watcher.Remove(id));
    std::filesystem::remove(in / "inner");
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_EQ(told.size(), 3U);
    EXPECT_EQ(OpenDescriptors(), before);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

// --- A system that is not at its best ---------------------------------------

// Takes a name away when a file has been opened to be watched.
TEST_F(KqueueWatchTest, WhatIsGoneBeforeItIsWatchedIsNotFound) {
  class Removing : public SimulatedSystem {
   public:
    int open(const char* path, int flags, mode_t mode) override {
      const int file = SimulatedSystem::open(path, flags, mode);
      std::filesystem::remove(path);
      return file;
    }
  } system;
  system_ = &system;
  auto watch = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    std::filesystem::create_directory(in / "inner");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    absl::StatusOr<WatchId> file = co_await watcher.Add(in / "file");
    EXPECT_EQ(file.status().code(), absl::StatusCode::kNotFound);
    absl::StatusOr<WatchId> inner = co_await watcher.Add(in / "inner");
    EXPECT_EQ(inner.status().code(), absl::StatusCode::kNotFound);
    co_return absl::OkStatus();
  };
  const int before = OpenDescriptors();

  EXPECT_EQ(Run(watch), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

// A kernel whose n-th call from now on, of each kind, fails.
class Failing : public SimulatedSystem {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    return Fails(open_) ? -1 : SimulatedSystem::open(path, flags, mode);
  }
  int fstat(int fd, struct stat* out) override {
    return Fails(fstat_) ? -1 : SimulatedSystem::fstat(fd, out);
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    return Fails(control_) ? -1 : SimulatedSystem::event_queue_control(call);
  }

  void FailOpen(int error) { open_ = error; }
  void FailFstat(int error) { fstat_ = error; }
  void FailControl(int error) { control_ = error; }

 private:
  // Once.
  static bool Fails(int& error) {
    if (error != 0) errno = error;
    const bool fails = error != 0;
    error = 0;
    return fails;
  }

  int open_ = 0;
  int fstat_ = 0;
  int control_ = 0;
};

TEST_F(KqueueWatchTest, ReportsWhatEachOfItsCallsSays) {
  Failing system;
  system_ = &system;
  auto watch = [&system](const TemporaryDirectory& in) -> Task<absl::Status> {
    system.FailControl(EMFILE);
    absl::Status none = Watcher::Create().status();
    EXPECT_EQ(none.code(), absl::StatusCode::kResourceExhausted);
    Watcher watcher = co_await OrReturn(Watcher::Create());
    absl::StatusOr<WatchId> missing = co_await watcher.Add(in / "none");
    EXPECT_EQ(std::string(missing.status().message()),
              "open(\"" + in / "none" + "\"): No such file or directory");
    system.FailOpen(EMFILE);
    absl::StatusOr<WatchId> added = co_await watcher.Add(in.path());
    EXPECT_EQ(added.status().code(), absl::StatusCode::kResourceExhausted);
    system.FailControl(ENOMEM);
    added = co_await watcher.Add(in.path());
    EXPECT_EQ(std::string(added.status().message()),
              "kevent(\"" + in.path() + "\"): Cannot allocate memory");
    WatchId id = co_await OrReturn(watcher.Add(in.path()));
    system.FailControl(ENOMEM);
    absl::Status removed = watcher.Remove(id);
    EXPECT_EQ(removed.code(), absl::StatusCode::kResourceExhausted);
    // It is still there, then.
    co_await OrReturn(watcher.Remove(id));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(KqueueWatchTest, GoesOnThroughInterrupts) {
  Failing system;
  system_ = &system;
  auto watch = [&system](const TemporaryDirectory& in) -> Task<absl::Status> {
    system.FailControl(EINTR);
    Watcher watcher = co_await OrReturn(Watcher::Create());
    system.FailOpen(EINTR);
    system.FailControl(EINTR);
    WatchId id = co_await OrReturn(watcher.Add(in.path()));
    system.FailControl(EINTR);
    co_await OrReturn(watcher.Remove(id));
    const std::string_view bad("a\0b", 3);
    absl::StatusOr<WatchId> refused = co_await watcher.Add(bad);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

TEST_F(KqueueWatchTest, AFileThatCannotBeLookedAtIsAsTheKernelSays) {
  Failing system;
  system_ = &system;
  auto watch = [&system](const TemporaryDirectory& in) -> Task<absl::Status> {
    in.Write("file", "");
    Watcher watcher = co_await OrReturn(Watcher::Create());
    co_await OrReturn(watcher.Add(in / "file"));
    std::filesystem::remove(in / "file");
    system.FailFstat(EIO);
    std::vector<Told> told = co_await OrReturn(TakeTold(watcher));
    EXPECT_THAT(told, ElementsAre(Told{Kind::kSelfDeleted, ""},
                                  Told{Kind::kUnwatched, ""}));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(watch), absl::OkStatus());
}

}  // namespace
}  // namespace weft::fs
