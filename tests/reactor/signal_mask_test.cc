// Tests of how threads block signals.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/signal_mask.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

bool IsPending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

// The errno of a write to a pipe that has no reader.
int WriteToABrokenPipe() {
  System& system = System::Kernel();
  std::array<int, 2> ends{};
  EXPECT_EQ(system.pipe(ends.data()), 0);
  system.close(ends[0]);
  const int error = system.write(ends[1], "x", 1) == -1 ? errno : 0;
  system.close(ends[1]);
  return error;
}

TEST(SignalMaskTest, SignalsAreBlockedForAWhile) {
  UnblockSignal(SIGUSR1);
  BlockSignal(SIGUSR2);
  {
    const auto blocked = BlockedSignals::Create({SIGUSR1, SIGUSR2});
    ASSERT_TRUE(blocked.ok());
    EXPECT_TRUE(IsSignalBlocked(SIGUSR1));
  }
  EXPECT_FALSE(IsSignalBlocked(SIGUSR1));
  EXPECT_TRUE(IsSignalBlocked(SIGUSR2));
  UnblockSignal(SIGUSR2);
}

TEST(SignalMaskTest, WhatIsNoSignalIsRefusedAndBlocksNothing) {
  EXPECT_EQ(BlockedSignals::Create({SIGUSR1, 4711}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(BlockedSignals::Create({0}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(IsSignalBlocked(SIGUSR1));
}

TEST(SignalMaskTest, ABrokenPipeIsAnErrorAndLeavesNothingBehind) {
  {
    const BrokenPipesAreErrors guard;
    EXPECT_EQ(WriteToABrokenPipe(), EPIPE);
  }
  EXPECT_FALSE(IsSignalBlocked(SIGPIPE));
  EXPECT_FALSE(IsPending(SIGPIPE));
}

TEST(SignalMaskTest, WhereItIsBlockedAlreadyItStaysSo) {
  const auto outer = BlockedSignals::Create({SIGPIPE});
  ASSERT_TRUE(outer.ok());
  {
    const BrokenPipesAreErrors guard;
  }
  EXPECT_TRUE(IsSignalBlocked(SIGPIPE));
}

}  // namespace
}  // namespace weft::reactor
