// Tests of what is known about a name. In simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/metadata.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

TEST(MetadataTest, TellsKindSizeTimeAndPermissions) {
  TemporaryDirectory directory;
  directory.Write("file", "12345");
  const std::string path = directory / "file";
  ASSERT_EQ(::chmod(path.c_str(), 04751), 0);
  const std::array<timeval, 2> times{timeval{1, 0}, timeval{1234567890, 5000}};
  ASSERT_EQ(::utimes(path.c_str(), times.data()), 0);
  Simulator sim;

  const absl::StatusOr<Metadata> about = sim.Run(GetMetadata(path));

  ASSERT_TRUE(about.ok()) << about.status();
  EXPECT_EQ(about->kind, FileKind::kFile);
  EXPECT_EQ(about->size, 5U);
  EXPECT_EQ(about->permissions, 04751U);
  EXPECT_EQ(about->modified,
            absl::FromUnixSeconds(1234567890) + absl::Milliseconds(5));
}

TEST(MetadataTest, FollowsALinkUnlessItIsToldNotTo) {
  TemporaryDirectory directory;
  const std::string link = directory / "link";
  ASSERT_EQ(::symlink(".", link.c_str()), 0);
  Simulator sim;

  const absl::StatusOr<Metadata> followed = sim.Run(GetMetadata(link));
  const absl::StatusOr<Metadata> itself =
      sim.Run(GetMetadata(link, Links::kNoFollow));

  ASSERT_TRUE(followed.ok()) << followed.status();
  ASSERT_TRUE(itself.ok()) << itself.status();
  EXPECT_EQ(followed->kind, FileKind::kDirectory);
  EXPECT_EQ(itself->kind, FileKind::kSymbolicLink);
}

TEST(MetadataTest, AsksAgainWhenItIsInterrupted) {
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<Metadata> about = sim.Run(GetMetadata("/"));

  ASSERT_TRUE(about.ok()) << about.status();
  EXPECT_EQ(about->kind, FileKind::kDirectory);
}

TEST(MetadataTest, SaysThatThereIsNoSuchName) {
  Simulator sim;

  const absl::Status followed = sim.Run(GetMetadata("/nope")).status();
  const absl::Status itself =
      sim.Run(GetMetadata("/nope", Links::kNoFollow)).status();

  EXPECT_EQ(followed.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(followed.message()),
            "stat(\"/nope\"): No such file or directory");
  EXPECT_EQ(std::string(itself.message()),
            "lstat(\"/nope\"): No such file or directory");
}

TEST(MetadataTest, KnowsEveryKindThatAModeCanTell) {
  EXPECT_EQ(KindOf(S_IFREG | 0644), FileKind::kFile);
  EXPECT_EQ(KindOf(S_IFDIR | 0755), FileKind::kDirectory);
  EXPECT_EQ(KindOf(S_IFLNK | 0777), FileKind::kSymbolicLink);
  EXPECT_EQ(KindOf(S_IFIFO), FileKind::kFifo);
  EXPECT_EQ(KindOf(S_IFSOCK), FileKind::kSocket);
  EXPECT_EQ(KindOf(S_IFBLK), FileKind::kBlockDevice);
  EXPECT_EQ(KindOf(S_IFCHR), FileKind::kCharacterDevice);
  EXPECT_EQ(KindOf(0644), FileKind::kUnknown);
}

TEST(MetadataTest, HasAWordForEveryKind) {
  EXPECT_EQ(ToString(FileKind::kFile), "file");
  EXPECT_EQ(ToString(FileKind::kDirectory), "directory");
  EXPECT_EQ(ToString(FileKind::kSymbolicLink), "symbolic link");
  EXPECT_EQ(ToString(FileKind::kFifo), "fifo");
  EXPECT_EQ(ToString(FileKind::kSocket), "socket");
  EXPECT_EQ(ToString(FileKind::kBlockDevice), "block device");
  EXPECT_EQ(ToString(FileKind::kCharacterDevice), "character device");
  EXPECT_EQ(ToString(FileKind::kUnknown), "unknown");
}

}  // namespace
}  // namespace weft::fs
