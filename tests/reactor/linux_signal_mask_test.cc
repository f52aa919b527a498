// Tests of which SIGPIPE a thread takes back. On macOS a signal of the thread
// and one of the process are kept in one place, so it takes both.
//
// SPDX-License-Identifier: MIT

#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "weft/reactor/signal_mask.h"

namespace weft::reactor {
namespace {

// Ends the process: by the signal, or, where that was taken back, well.
[[noreturn]] void MeetASignalOfTheProcess() {
  signal(SIGPIPE, SIG_DFL);
  {
    const BrokenPipesAreErrors guard;
    kill(getpid(), SIGPIPE);
  }
  _exit(0);
}

// What it does by default, in a process of its own. No handler listens: the
// thread sanitizer would call it wherever its own code is at that moment.
TEST(SignalMaskDeathTest, ASignalOfTheWholeProcessIsNotTakenForAThreadsOwn) {
  EXPECT_EXIT(MeetASignalOfTheProcess(), ::testing::KilledBySignal(SIGPIPE),
              "");
}

}  // namespace
}  // namespace weft::reactor
