// SeededTest: a test that runs once in the order of a real worker and then in
// several random ones. A failing schedule is part of the test's name.
//
//     class MutexTest : public SeededTest {};
//     TEST_P(MutexTest, ...) { sim_.Spawn(...); }
//     INSTANTIATE_TEST_SUITE_P(Any, MutexTest, Schedules(), ScheduleName);
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_SEEDED_TEST_H_
#define WEFT_TESTS_SUPPORT_SEEDED_TEST_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::tests {

using Seed = std::optional<std::uint64_t>;

class SeededTest : public ::testing::TestWithParam<Seed> {
 protected:
  weft::testing::Simulator sim_{{.seed = GetParam()}};
};

inline auto Schedules() {
  return ::testing::Values(Seed(), Seed(1), Seed(2), Seed(3), Seed(4), Seed(5));
}

inline std::string ScheduleName(const ::testing::TestParamInfo<Seed>& info) {
  return info.param.has_value() ? absl::StrCat("Seed", *info.param) : "Worker";
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_SEEDED_TEST_H_
