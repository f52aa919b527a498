// How many cases hold for each network, counted by name: those of the readiness
// suites, of streams and sockets, and of all that runs on EachNetworkTest. None
// is skipped, and none is disabled.
//
//     back end              its cases
//     epoll                 "Kernel", and tests/reactor besides
//     kqueue                the same, in a build with -Dpoller=kqueue
//     simulated network     "Simulated"
//
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace weft::net {
namespace {

using ::testing::UnitTest;

// Each back end is to have 120. These are as many as there are as this is
// written: whoever takes some away notices.
constexpr int kKernelCases = 282;
constexpr int kSimulatedCases = 147;

struct Count {
  int cases = 0;
  int disabled = 0;
};

// Of the tests of all suites, run or not, that have `word` in their full name.
Count CountTests(std::string_view word) {
  Count count;
  const UnitTest& program = *UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string name =
          std::string(suite.name()) + "." + suite.GetTestInfo(j)->name();
      if (name.find(word) == std::string::npos) continue;
      ++count.cases;
      count.disabled += name.find("DISABLED_") != std::string::npos;
    }
  }
  return count;
}

TEST(ConformanceCountTest, TheKernelHasEnoughCases) {
  const Count count = CountTests("/Kernel");

  EXPECT_GE(count.cases, kKernelCases);
  EXPECT_EQ(count.disabled, 0);
}

TEST(ConformanceCountTest, TheSimulatedNetworkHasEnoughCases) {
  const Count count = CountTests("/Simulated");

  EXPECT_GE(count.cases, kSimulatedCases);
  EXPECT_EQ(count.disabled, 0);
}

}  // namespace
}  // namespace weft::net
