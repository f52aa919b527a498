// Tests of which SIGPIPE a thread takes back. On macOS a signal of the thread
// and one of the process are kept in one place, so it takes both.
//
// SPDX-License-Identifier: MIT

#include <signal.h>
#include <unistd.h>

#include <csignal>

#include "gtest/gtest.h"
#include "weft/reactor/signal_mask.h"

namespace weft::reactor {
namespace {

volatile std::sig_atomic_t heard = 0;

TEST(SignalMaskTest, ASignalOfTheWholeProcessIsNotTakenForAThreadsOwn) {
  struct sigaction hear{};
  hear.sa_handler = [](int) { heard = heard + 1; };
  struct sigaction before{};
  ASSERT_EQ(sigaction(SIGPIPE, &hear, &before), 0);
  {
    const BrokenPipesAreErrors guard;
    EXPECT_EQ(kill(getpid(), SIGPIPE), 0);
  }
  sigaction(SIGPIPE, &before, nullptr);

  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace weft::reactor
