// Tests of the calls that make, change and remove names. In simulation, on real
// directories.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/interrupting.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

TEST(NamesTest, MakesADirectoryWithItsPermissions) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::Status made = sim.Run(CreateDirectory(directory / "new", 0700));

  EXPECT_EQ(made, absl::OkStatus());
  struct stat about{};
  ASSERT_EQ(::stat((directory / "new").c_str(), &about), 0);
  EXPECT_TRUE(S_ISDIR(about.st_mode));
  EXPECT_EQ(about.st_mode & 0777, 0700U);
}

TEST(NamesTest, DoesNotMakeWhatIsThere) {
  TemporaryDirectory directory;
  Simulator sim;

  const absl::Status status = sim.Run(CreateDirectory(directory.path()));

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(status.message()),
            "mkdir(\"" + directory.path() + "\"): File exists");
}

TEST(NamesTest, RemovesAnEmptyDirectoryOnly) {
  TemporaryDirectory directory;
  Simulator sim;
  ASSERT_EQ(::mkdir((directory / "inner").c_str(), 0700), 0);
  directory.Write("inner/file", "");

  const absl::Status full = sim.Run(RemoveDirectory(directory / "inner"));
  const absl::Status file = sim.Run(RemoveFile(directory / "inner/file"));
  const absl::Status empty = sim.Run(RemoveDirectory(directory / "inner"));

  EXPECT_EQ(reactor::ErrnoOf(full), ENOTEMPTY);
  EXPECT_EQ(file, absl::OkStatus());
  EXPECT_EQ(empty, absl::OkStatus());
  EXPECT_THAT(directory.Names(), IsEmpty());
}

TEST(NamesTest, RenamesOverWhatIsThere) {
  TemporaryDirectory directory;
  directory.Write("from", "new");
  directory.Write("to", "old");
  Simulator sim;

  EXPECT_EQ(sim.Run(Rename(directory / "from", directory / "to")),
            absl::OkStatus());

  EXPECT_THAT(directory.Names(), ElementsAre("to"));
  EXPECT_EQ(directory.Read("to"), "new");
}

TEST(NamesTest, NamesBothEndsOfARenameThatFails) {
  Simulator sim;

  const absl::Status status = sim.Run(Rename("/nope/from", "/nope/to"));

  EXPECT_EQ(std::string(status.message()),
            "rename(\"/nope/from\" to \"/nope/to\"): No such file or "
            "directory");
}

TEST(NamesTest, ChangesNothingWhenItIsCancelledBefore) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  Simulator sim;
  JoinHandle<absl::Status> remover =
      sim.SpawnJoinable(RemoveFile(directory / "file"));

  remover.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(remover.BlockingJoin().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

TEST(NamesTest, InterruptedCallsAreMadeAgain) {
  TemporaryDirectory directory;
  Interrupting system;
  Simulator sim({.seed = {}, .system = &system});
  directory.Write("file", "");
  auto change = [](const TemporaryDirectory& in) -> Task<absl::Status> {
    co_await OrReturn(CreateDirectory(in / "made"));
    co_await OrReturn(Rename(in / "made", in / "moved"));
    EXPECT_THAT(in.Names(), ElementsAre("file", "moved"));
    co_await OrReturn(RemoveDirectory(in / "moved"));
    co_await OrReturn(RemoveFile(in / "file"));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(change(directory)), absl::OkStatus());
  EXPECT_THAT(directory.Names(), IsEmpty());
}

}  // namespace
}  // namespace weft::fs
