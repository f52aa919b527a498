// Tests of weft::fs::OpenOptions: the flags its words stand for.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/open_options.h"

#include <fcntl.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;

int Flags(const OpenOptions& options) {
  const absl::StatusOr<int> flags = OpenFlags(options);
  EXPECT_TRUE(flags.ok()) << flags.status();
  return flags.value_or(-1);
}

TEST(OpenOptionsTest, ReadsAnExistingFileByDefault) {
  EXPECT_EQ(Flags({}), O_RDONLY);
}

TEST(OpenOptionsTest, NamesEveryAccess) {
  EXPECT_EQ(Flags({.access = Access::kWrite}), O_WRONLY);
  EXPECT_EQ(Flags({.access = Access::kReadWrite}), O_RDWR);
}

TEST(OpenOptionsTest, CreatesWhenAsked) {
  EXPECT_EQ(Flags({.access = Access::kWrite, .create = Create::kIfMissing}),
            O_WRONLY | O_CREAT);
  EXPECT_EQ(Flags({.access = Access::kWrite, .create = Create::kExclusive}),
            O_WRONLY | O_CREAT | O_EXCL);
}

TEST(OpenOptionsTest, HasNamesForTheUsualCases) {
  EXPECT_EQ(Flags(kReplace), O_WRONLY | O_CREAT | O_TRUNC);
  EXPECT_EQ(Flags(kAppend), O_WRONLY | O_CREAT | O_APPEND);
}

TEST(OpenOptionsTest, FollowsNoLinkWhenAsked) {
  EXPECT_EQ(Flags({.links = Links::kNoFollow}), O_RDONLY | O_NOFOLLOW);
}

TEST(OpenOptionsTest, MakesEveryWriteDurableWhenAsked) {
  EXPECT_EQ(
      Flags({.access = Access::kWrite, .durability = Durability::kEveryWrite}),
      O_WRONLY | O_DSYNC);
  EXPECT_EQ(Flags({.access = Access::kReadWrite,
                   .durability = Durability::kEveryWriteWithMetadata}),
            O_RDWR | O_SYNC);
}

TEST(OpenOptionsTest, RefusesToChangeWhatIsOnlyRead) {
  const absl::Status truncate = OpenFlags({.truncate = true}).status();
  const absl::Status append = OpenFlags({.append = true}).status();
  const absl::Status create =
      OpenFlags({.create = Create::kIfMissing}).status();
  const absl::Status durable =
      OpenFlags({.durability = Durability::kEveryWrite}).status();

  for (const absl::Status& refusal : {truncate, append, create, durable}) {
    EXPECT_EQ(refusal.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refusal.message()),
                HasSubstr("ask for write access"));
  }
}

}  // namespace
}  // namespace weft::fs
