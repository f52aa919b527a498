// Tests of JoinErrors and AllErrors.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/error_group.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Status kFirst = absl::NotFoundError("no such row");
const absl::Status kSecond = absl::DataLossError("could not flush");
const absl::Status kThird = absl::InternalError("");

TEST(ErrorGroupTest, NoErrorIsOk) {
  EXPECT_TRUE(JoinErrors({}).ok());
  EXPECT_THAT(AllErrors(absl::OkStatus()), IsEmpty());
}

TEST(ErrorGroupTest, OneErrorIsItself) {
  EXPECT_EQ(JoinErrors({kFirst}), kFirst);
  EXPECT_THAT(AllErrors(kFirst), ElementsAre(kFirst));
}

TEST(ErrorGroupTest, SeveralHaveTheCodeOfTheFirstAndNameThemAll) {
  const absl::Status joined = JoinErrors({kFirst, kSecond});

  EXPECT_EQ(joined.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(joined.ToString(), HasSubstr("no such row"));
  EXPECT_THAT(joined.ToString(), HasSubstr("DATA_LOSS: could not flush"));
}

TEST(ErrorGroupTest, AllErrorsGivesThemBackInTheirOrder) {
  EXPECT_THAT(AllErrors(JoinErrors({kFirst, kSecond, kThird})),
              ElementsAre(kFirst, kSecond, kThird));
  EXPECT_THAT(AllErrors(JoinErrors({kThird, kSecond, kFirst})),
              ElementsAre(kThird, kSecond, kFirst));
}

TEST(ErrorGroupTest, MessagesMayHoldAnything) {
  const std::vector<absl::Status> errors = {
      absl::UnknownError("3:abc"), absl::UnknownError(""),
      absl::UnknownError(std::string("nul \0 inside", 12)),
      absl::UnknownError("; also NOT_FOUND: a colon\nand a line")};

  EXPECT_THAT(AllErrors(JoinErrors(errors)), ElementsAreArray(errors));
}

TEST(ErrorGroupTest, KeepsManyErrors) {
  std::vector<absl::Status> errors;
  for (int i = 0; i < 500; ++i) {
    errors.push_back(absl::InternalError(std::to_string(i)));
  }

  EXPECT_THAT(AllErrors(JoinErrors(errors)), ElementsAreArray(errors));
}

TEST(ErrorGroupTest, PayloadsOfTheFirstAreKept) {
  absl::Status first = kFirst;
  first.SetPayload("type/of.payload", absl::Cord("value"));

  const absl::Status joined = JoinErrors({first, kSecond});

  ASSERT_TRUE(joined.GetPayload("type/of.payload").has_value());
  EXPECT_EQ(*joined.GetPayload("type/of.payload"), "value");
  EXPECT_THAT(AllErrors(joined), ElementsAre(first, kSecond));
}

TEST(ErrorGroupTest, AGroupInAGroupIsFlattened) {
  const absl::Status inner = JoinErrors({kFirst, kSecond});

  EXPECT_THAT(AllErrors(JoinErrors({kThird, inner})),
              ElementsAre(kThird, kFirst, kSecond));
  EXPECT_THAT(AllErrors(JoinErrors({inner, kThird})),
              ElementsAre(kFirst, kSecond, kThird));
}

TEST(ErrorGroupTest, AMessageIsNotRepeatedWhenGroupsAreJoinedAgain) {
  const absl::Status inner = JoinErrors({kFirst, kSecond});

  const absl::Status outer = JoinErrors({inner, kThird});

  const std::string text(outer.message().data(), outer.message().size());
  EXPECT_EQ(text.find("could not flush"), text.rfind("could not flush"));
}

}  // namespace
}  // namespace weft
