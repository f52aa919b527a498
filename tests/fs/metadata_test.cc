// Tests of what is known about a name. In simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/metadata.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/as_nobody.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::weft::testing::AsNobody;
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

TEST(MetadataTest, TellsTheOwnerTheRoomAndWhichFileItIs) {
  TemporaryDirectory directory;
  directory.Write("file", std::string(10'000, 'x'));
  const std::string path = directory / "file";
  ASSERT_EQ(::link(path.c_str(), (directory / "other").c_str()), 0);
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  Simulator sim;

  const absl::StatusOr<Metadata> one = sim.Run(GetMetadata(path));
  const absl::StatusOr<Metadata> other =
      sim.Run(GetMetadata(directory / "other"));

  ASSERT_TRUE(one.ok() && other.ok()) << one.status();
  EXPECT_EQ(one->links, 2U);
  EXPECT_EQ(one->user, about.st_uid);
  EXPECT_EQ(one->group, about.st_gid);
  EXPECT_EQ(one->allocated, 512U * about.st_blocks);
  EXPECT_EQ(one->accessed, absl::TimeFromTimespec(about.st_atim));
  EXPECT_EQ(one->changed, absl::TimeFromTimespec(about.st_ctim));
  EXPECT_EQ(one->device, other->device);
  EXPECT_EQ(one->inode, other->inode);
}

// --- Whether it is there ---

TEST(MetadataTest, KnowsWhetherThereIsSomething) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  ASSERT_EQ(::symlink("nowhere", (directory / "link").c_str()), 0);
  Simulator sim;
  auto exists = [&](std::string_view name, Links links = Links::kFollow) {
    return sim.Run(Exists(directory / name, links)).value();
  };

  EXPECT_TRUE(exists("file"));
  EXPECT_FALSE(exists("none"));
  EXPECT_FALSE(exists("file/below"));
  EXPECT_FALSE(exists("link"));
  EXPECT_TRUE(exists("link", Links::kNoFollow));
}

TEST(MetadataTest, DoesNotGuessWhetherThereIsWhatItMayNotSee) {
  TemporaryDirectory directory;
  ASSERT_EQ(::mkdir((directory / "locked").c_str(), 0700), 0);
  Simulator sim;
  const AsNobody nobody;
  if (::geteuid() == 0) GTEST_SKIP() << "root may see everything";

  const absl::StatusOr<bool> answer =
      sim.Run(Exists(directory / "locked/file"));

  if (answer.ok()) GTEST_SKIP() << "this user owns the directory";
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kPermissionDenied);
}

// --- Setting it ---

TEST(MetadataTest, SetsPermissionsAndTimesByName) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  const std::string path = directory / "file";
  const absl::Time when = absl::FromUnixSeconds(1'000'000'000);
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status mode = sim.Run(SetPermissions(path, 0640));
  const absl::Status times = sim.Run(SetTimes(path, {.modified = when}));
  const absl::StatusOr<Metadata> about = sim.Run(GetMetadata(path));

  EXPECT_EQ(mode, absl::OkStatus());
  EXPECT_EQ(times, absl::OkStatus());
  ASSERT_TRUE(about.ok()) << about.status();
  EXPECT_EQ(about->permissions, 0640U);
  EXPECT_EQ(about->modified, when);
  EXPECT_GT(about->accessed, when);
}

TEST(MetadataTest, SetsTheTimesOfALinkOrOfWhatItLeadsTo) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  const std::string link = directory / "link";
  ASSERT_EQ(::symlink("file", link.c_str()), 0);
  const absl::Time one = absl::FromUnixSeconds(1'000'000'000);
  const absl::Time other = absl::FromUnixSeconds(1'100'000'000);
  Simulator sim;

  const absl::Status followed =
      sim.Run(SetTimes(link, {.modified = one}, Links::kFollow));
  const absl::Status itself =
      sim.Run(SetTimes(link, {.modified = other}, Links::kNoFollow));

  EXPECT_EQ(followed, absl::OkStatus());
  EXPECT_EQ(itself, absl::OkStatus());
  EXPECT_EQ(sim.Run(GetMetadata(link))->modified, one);
  EXPECT_EQ(sim.Run(GetMetadata(link, Links::kNoFollow))->modified, other);
}

// What a system is asked when a file is given away.
struct OwnerCall {
  int directory = 0;
  std::string path;
  uid_t user = 0;
  gid_t group = 0;
  int flags = 0;

  bool operator==(const OwnerCall&) const = default;
};

class GivingAway : public weft::testing::SimulatedSystem {
 public:
  int fchownat(int directory, const char* path, uid_t user, gid_t group,
               int flags) override {
    calls.push_back({directory, path, user, group, flags});
    return 0;
  }
  std::vector<OwnerCall> calls;
};

TEST(MetadataTest, GivesAwayWhatItIsToldAndLeavesTheRest) {
  constexpr auto kNobodysUser = static_cast<uid_t>(-1);
  constexpr auto kNobodysGroup = static_cast<gid_t>(-1);
  GivingAway system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status both = sim.Run(SetOwner("a", {.user = 7, .group = 8}));
  const absl::Status group = sim.Run(SetOwner("b", {.group = 0}));
  const absl::Status of_link =
      sim.Run(SetOwner("c", {.user = 0}, Links::kNoFollow));

  EXPECT_TRUE(both.ok() && group.ok() && of_link.ok());
  EXPECT_EQ(system.calls,
            (std::vector<OwnerCall>{
                {AT_FDCWD, "a", 7, 8, 0},
                {AT_FDCWD, "b", kNobodysUser, 0, 0},
                {AT_FDCWD, "c", 0, kNobodysGroup, AT_SYMLINK_NOFOLLOW}}));
}

TEST(MetadataTest, SetsTheOwnerOfALinkOrOfWhatItLeadsTo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives things away";
  constexpr uid_t kOne = 65534;
  constexpr gid_t kOther = 65533;
  TemporaryDirectory directory;
  directory.Write("file", "");
  const std::string link = directory / "link";
  ASSERT_EQ(::symlink("file", link.c_str()), 0);
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status followed = sim.Run(SetOwner(link, {.user = kOne}));
  const absl::Status itself =
      sim.Run(SetOwner(link, {.group = kOther}, Links::kNoFollow));
  const absl::StatusOr<Metadata> file = sim.Run(GetMetadata(link));
  const absl::StatusOr<Metadata> of_link =
      sim.Run(GetMetadata(link, Links::kNoFollow));

  if (reactor::ErrnoOf(followed) == EPERM ||
      reactor::ErrnoOf(followed) == EINVAL) {
    GTEST_SKIP() << "this root has only itself to give things to";
  }
  EXPECT_EQ(followed, absl::OkStatus());
  EXPECT_EQ(itself, absl::OkStatus());
  ASSERT_TRUE(file.ok() && of_link.ok()) << file.status();
  EXPECT_EQ(file->user, kOne);
  EXPECT_NE(file->group, kOther);
  EXPECT_NE(of_link->user, kOne);
  EXPECT_EQ(of_link->group, kOther);
}

TEST(MetadataTest, DoesNotGiveAwayWhatIsSomebodyElses) {
  TemporaryDirectory directory;
  directory.Write("file", "");
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  Simulator sim;
  const AsNobody nobody;
  const FileOwner root = {.user = 0};

  const absl::Status status = sim.Run(SetOwner(directory / "file", root));

  if (status.ok()) GTEST_SKIP() << "this user may";
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(std::string(status.message()), "fchownat(\"" + directory / "file" +
                                               "\"): Operation not permitted");
}

TEST(MetadataTest, SaysWhatCouldNotBeSet) {
  Simulator sim;

  const absl::Status mode = sim.Run(SetPermissions("/nope", 0640));
  const absl::Status times =
      sim.Run(SetTimes("/nope", {.modified = absl::UnixEpoch()}));

  EXPECT_EQ(std::string(mode.message()),
            "chmod(\"/nope\"): No such file or directory");
  EXPECT_EQ(std::string(times.message()),
            "utimensat(\"/nope\"): No such file or directory");
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
