// Tests of walking through trees. In simulation, on real directories.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/walk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// What a walk gave.
struct Found {
  std::map<std::string, std::string> kinds;  // By path below the top.
  std::vector<std::string> order;
  std::vector<absl::Status> errors;
};

Task<absl::Status> WalkInto(std::string top, WalkOptions options,
                            Found& found) {
  AsyncGenerator<absl::StatusOr<WalkEntry>> walk = WalkDirectory(top, options);
  while (std::optional<absl::StatusOr<WalkEntry>> entry =
             co_await walk.Next()) {
    if (!entry->ok()) {
      found.errors.push_back(entry->status());
      continue;
    }
    EXPECT_TRUE((*entry)->path.starts_with(top + "/")) << (*entry)->path;
    const std::string below = (*entry)->path.substr(top.size() + 1);
    const std::string kind = absl::StrCat(
        (*entry)->depth, " ", std::string(ToString((*entry)->kind)));
    EXPECT_TRUE(found.kinds.emplace(below, kind).second) << below;
    found.order.push_back(below);
  }
  const bool whole = found.errors.empty();
  co_return whole ? absl::OkStatus() : found.errors.back();
}

class WalkTest : public ::testing::Test {
 protected:
  // top/{file, a/{one, b/two}, link -> ../other}, other/three
  WalkTest() {
    std::filesystem::create_directories(top_ + "/a/b");
    std::filesystem::create_directories(directory_ / "other");
    std::filesystem::create_symlink("../other", top_ + "/link");
    for (const char* file :
         {"top/file", "top/a/one", "top/a/b/two", "other/three"}) {
      directory_.Write(file, "");
    }
  }

  Found Walk(const WalkOptions& options, SimulatedSystem& system) {
    Found found;
    Simulator sim({.seed = {}, .system = &system});
    sim.Run(WalkInto(top_, options, found)).IgnoreError();
    return found;
  }
  Found Walk(const WalkOptions& options = {}) { return Walk(options, system_); }

  TemporaryDirectory directory_;
  const std::string top_ = directory_ / "top";
  SimulatedSystem system_;
};

TEST_F(WalkTest, GivesAllThatIsBelowAndFollowsNoLink) {
  HaltingSystem system;

  const Found found = Walk({}, system);

  EXPECT_THAT(found.errors, IsEmpty());
  EXPECT_THAT(
      found.kinds,
      ElementsAre(Pair("a", "1 directory"), Pair("a/b", "2 directory"),
                  Pair("a/b/two", "3 file"), Pair("a/one", "2 file"),
                  Pair("file", "1 file"), Pair("link", "1 symbolic link")));
}

TEST_F(WalkTest, GivesADirectoryBeforeWhatIsInIt) {
  std::map<std::string, std::size_t> place;
  for (const std::string& path : Walk().order) {
    place.emplace(path, place.size());
  }

  EXPECT_LT(place["a"], place["a/b"]);
  EXPECT_LT(place["a"], place["a/one"]);
  EXPECT_LT(place["a/b"], place["a/b/two"]);
}

TEST_F(WalkTest, FollowsLinksWhereItIsTold) {
  std::filesystem::create_symlink("nowhere", top_ + "/broken");
  std::filesystem::create_symlink("file", top_ + "/second");

  const Found found = Walk({.links = Links::kFollow});

  EXPECT_THAT(found.errors, IsEmpty());
  EXPECT_EQ(found.kinds.at("link"), "1 directory");
  EXPECT_EQ(found.kinds.at("link/three"), "2 file");
  EXPECT_EQ(found.kinds.at("broken"), "1 symbolic link");
  EXPECT_EQ(found.kinds.at("second"), "1 file");
}

TEST_F(WalkTest, SaysThatALinkLeadsInACircleAndGoesOn) {
  std::filesystem::create_symlink("../..", top_ + "/a/b/circle");

  const Found found = Walk({.links = Links::kFollow});

  ASSERT_THAT(found.errors, SizeIs(1));
  EXPECT_EQ(
      std::string(found.errors[0].message()),
      "walk(\"" + top_ + "/a/b/circle\"): Too many levels of symbolic links");
  EXPECT_EQ(found.errors[0].code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(found.kinds, SizeIs(8));
}

TEST_F(WalkTest, ADirectoryThatIsReachedTwiceIsWalkedTwice) {
  std::filesystem::create_symlink("../other", top_ + "/again");

  const Found found = Walk({.links = Links::kFollow});

  EXPECT_THAT(found.errors, IsEmpty());
  EXPECT_EQ(found.kinds.count("link/three"), 1U);
  EXPECT_EQ(found.kinds.count("again/three"), 1U);
}

TEST_F(WalkTest, GoesNoDeeperThanItMay) {
  EXPECT_THAT(Walk({.max_depth = 0}).order, IsEmpty());
  EXPECT_THAT(Walk({.max_depth = 1}).kinds, SizeIs(3));
  EXPECT_THAT(Walk({.max_depth = 2}).kinds, SizeIs(5));
}

TEST_F(WalkTest, GoesIntoNoDirectoryThatIsNotWanted) {
  WalkOptions options;
  options.enter = [](const WalkEntry& directory) {
    return !directory.path.ends_with("/b");
  };

  const Found found = Walk(options);

  EXPECT_EQ(found.kinds.count("a/b"), 1U);
  EXPECT_EQ(found.kinds.count("a/b/two"), 0U);
  EXPECT_EQ(found.kinds.count("a/one"), 1U);
}

TEST_F(WalkTest, AnUnreadableDirectoryIsAnItemAndTheWalkGoesOn) {
  class Locked : public SimulatedSystem {
   public:
    DIR* opendir(const char* path) override {
      if (!std::string_view(path).ends_with("/a")) {
        return SimulatedSystem::opendir(path);
      }
      errno = EACCES;
      return nullptr;
    }
  } system;
  std::filesystem::create_directories(top_ + "/c/d");

  const Found found = Walk({}, system);

  ASSERT_THAT(found.errors, SizeIs(1));
  EXPECT_EQ(std::string(found.errors[0].message()),
            "opendir(\"" + top_ + "/a\"): Permission denied");
  EXPECT_EQ(found.kinds.count("a"), 1U);
  EXPECT_EQ(found.kinds.count("a/one"), 0U);
  EXPECT_EQ(found.kinds.count("c/d"), 1U);
}

TEST_F(WalkTest, AnErrorInTheMiddleOfADirectoryDoesNotEndTheWalk) {
  class Failing : public SimulatedSystem {
   public:
    dirent* readdir(DIR* directory) override {
      dirent* const found = SimulatedSystem::readdir(directory);
      const bool last =
          found != nullptr && std::string_view(found->d_name) == "one";
      if (!last) return found;
      errno = EIO;
      return nullptr;
    }
  } system;
  std::filesystem::create_directories(top_ + "/c/d");

  const Found found = Walk({}, system);

  ASSERT_THAT(found.errors, SizeIs(1));
  EXPECT_THAT(std::string(found.errors[0].message()), HasSubstr("readdir("));
  EXPECT_EQ(found.kinds.count("c/d"), 1U);
}

TEST_F(WalkTest, SaysThatThereIsNothingToWalkThrough) {
  Found found;
  Simulator sim;

  const absl::Status status = sim.Run(WalkInto(directory_ / "none", {}, found));

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(found.errors, SizeIs(1));
}

TEST_F(WalkTest, HasOneDirectoryOpenAtATime) {
  const int before = OpenDescriptors();
  auto count = [before](std::string top) -> Task<absl::Status> {
    AsyncGenerator<absl::StatusOr<WalkEntry>> walk = WalkDirectory(top);
    while (auto entry = co_await walk.Next()) {
      EXPECT_LE(OpenDescriptors(), before + 5);  // The simulation's, and ours.
    }
    co_return absl::OkStatus();
  };
  std::string deep = top_;
  for (int i = 0; i < 30; ++i) deep += "/d";
  std::filesystem::create_directories(deep);
  {
    Simulator sim;
    EXPECT_EQ(sim.Run(count(top_)), absl::OkStatus());
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WalkTest, ACancelledWalkSaysSoInItsLastItem) {
  Found found;

  const int cancelled = CancelAtEveryCall(
      [&] {
        found = {};
        return WalkInto(top_, {.links = Links::kFollow}, found);
      },
      [&](const absl::Status& status) {
        EXPECT_THAT(found.errors, SizeIs(status.ok() ? 0 : 1));
        EXPECT_TRUE(!status.ok() || found.kinds.size() == 7);
      });

  EXPECT_GE(cancelled, 5);
}

}  // namespace
}  // namespace weft::fs
