// Tests of weft::internal::ProcessorQuota against a kernel whose files lie in a
// directory of our own.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/processor_quota.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "weft/reactor/system.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::internal {
namespace {

class KernelIn final : public reactor::System {
 public:
  explicit KernelIn(std::string root) : root_(std::move(root)) {}

  int open(const char* path, int flags, mode_t mode) override {
    return reactor::System::open((root_ + path).c_str(), flags, mode);
  }

 private:
  const std::string root_;
};

class ProcessorQuotaTest : public ::testing::Test {
 protected:
  void Say(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  weft::testing::TemporaryDirectory root_;
  KernelIn kernel_{root_.path()};
};

TEST_F(ProcessorQuotaTest, IsNoneWhereNothingIsSaid) {
  EXPECT_EQ(ProcessorQuota(kernel_), std::nullopt);
}

TEST_F(ProcessorQuotaTest, IsNoneWhereTheGroupMayUseAll) {
  Say("/proc/self/cgroup", "0::/service\n");
  Say("/sys/fs/cgroup/service/cpu.max", "max 100000\n");

  EXPECT_EQ(ProcessorQuota(kernel_), std::nullopt);
}

TEST_F(ProcessorQuotaTest, RoundsUpToWholeProcessors) {
  Say("/proc/self/cgroup", "0::/service\n");
  Say("/sys/fs/cgroup/service/cpu.max", "150000 100000\n");
  EXPECT_EQ(ProcessorQuota(kernel_), 2);

  Say("/sys/fs/cgroup/service/cpu.max", "1000 100000\n");
  EXPECT_EQ(ProcessorQuota(kernel_), 1);
}

TEST_F(ProcessorQuotaTest, IsTheSmallestOnTheWayUp) {
  Say("/proc/self/cgroup", "0::/slice/service/worker\n");
  Say("/sys/fs/cgroup/slice/service/worker/cpu.max", "max 100000\n");
  Say("/sys/fs/cgroup/slice/service/cpu.max", "800000 100000\n");
  Say("/sys/fs/cgroup/slice/cpu.max", "300000 100000\n");

  EXPECT_EQ(ProcessorQuota(kernel_), 3);
}

TEST_F(ProcessorQuotaTest, IsThatOfTheRootInAContainer) {
  Say("/proc/self/cgroup", "0::/\n");
  Say("/sys/fs/cgroup/cpu.max", "200000 100000\n");

  EXPECT_EQ(ProcessorQuota(kernel_), 2);
}

TEST_F(ProcessorQuotaTest, IgnoresTheLinesOfOlderGroups) {
  Say("/proc/self/cgroup", "4:cpu,cpuacct:/old\n0::/new\n");
  Say("/sys/fs/cgroup/new/cpu.max", "400000 100000\n");

  EXPECT_EQ(ProcessorQuota(kernel_), 4);
}

TEST_F(ProcessorQuotaTest, IsNoneWhereTheFileIsNotUnderstood) {
  Say("/proc/self/cgroup", "0::/service\n");
  for (const char* text : {"", "\n", "12", "a b", "100000 0", "100000 -5"}) {
    Say("/sys/fs/cgroup/service/cpu.max", text);
    EXPECT_EQ(ProcessorQuota(kernel_), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weft::internal
