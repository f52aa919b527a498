// Tests of weft::fs::GetSpace. In simulation, on the file system of the tests
// and on one that answers as it is told.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/space.h"

#include <cerrno>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/file_fixture.h"
#include "weft/tests/fs/halting_system.h"

namespace weft::fs {
namespace {

using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;

TEST_F(FileTest, KnowsTheRoomThatThereIs) {
  HaltingSystem system;
  auto ask = [](std::string path) -> Task<absl::Status> {
    Space by_name = co_await OrReturn(GetSpace(path));
    File file = co_await OrReturn(File::Open(path));
    Space by_file = co_await OrReturn(GetSpace(file));
    for (const Space& space : {by_name, by_file}) {
      EXPECT_LE(space.free, space.total);
      EXPECT_LE(space.available, space.free);
    }
    EXPECT_EQ(by_name.total, by_file.total);
    co_return absl::OkStatus();
  };
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(ask(path_)), absl::OkStatus());
}

TEST_F(FileTest, TellsWhatTheSystemSaysOfTheRoom) {
  class Small : public SimulatedSystem {
   public:
    int statvfs(const char*, reactor::FileSystemSpace* out) override {
      *out = {.total = 1000, .free = 300, .available = 200};
      return 0;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<Space> space = sim.Run(GetSpace(path_));

  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->total, 1000U);
  EXPECT_EQ(space->free, 300U);
  EXPECT_EQ(space->available, 200U);
}

TEST_F(FileTest, SaysWhyItDoesNotKnowTheRoom) {
  class Failing : public SimulatedSystem {
   public:
    int fstatvfs(int, reactor::FileSystemSpace*) override {
      errno = EIO;
      return -1;
    }
  } system;
  auto ask = [](File& file) -> Task<absl::Status> {
    absl::StatusOr<Space> space = co_await GetSpace(file);
    co_return space.status();
  };
  auto ask_closed = [](File& file) -> Task<absl::Status> {
    co_await OrReturn(file.Close());
    absl::StatusOr<Space> space = co_await GetSpace(file);
    co_return space.status();
  };
  Simulator sim;

  const absl::Status broken = WithFile(system, {}, ask);
  const absl::Status closed = WithFile({}, ask_closed);
  const absl::Status missing = sim.Run(GetSpace("/nope")).status();
  const absl::Status other_path =
      sim.Run(GetSpace(std::string_view("a\0b", 3))).status();

  EXPECT_EQ(broken.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(std::string(broken.message()),
            "fstatvfs(\"" + path_ + "\"): Input/output error");
  EXPECT_EQ(closed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(missing.message()),
            "statvfs(\"/nope\"): No such file or directory");
  EXPECT_EQ(other_path.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileTest, AsksForNoRoomWhenItIsCancelled) {
  class Counting : public SimulatedSystem {
   public:
    int statvfs(const char*, reactor::FileSystemSpace*) override {
      ++asked;
      return 0;
    }
    int fstatvfs(int, reactor::FileSystemSpace*) override {
      ++asked;
      return 0;
    }
    int asked = 0;
  } system;
  Simulator sim({.seed = {}, .system = &system});
  JoinHandle<absl::Status> program;
  auto ask = [&](std::string path) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(path));
    program.Cancel();
    absl::StatusOr<Space> by_name = co_await GetSpace(path);
    absl::StatusOr<Space> by_file = co_await GetSpace(file);
    EXPECT_EQ(by_name.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(by_file.status().code(), absl::StatusCode::kCancelled);
    co_return absl::OkStatus();
  };

  program = sim.SpawnJoinable(ask(path_));
  sim.RunUntilIdle();

  EXPECT_EQ(program.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(system.asked, 0);
}

}  // namespace
}  // namespace weft::fs
