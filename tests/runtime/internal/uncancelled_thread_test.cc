// Tests of what a worker does to its thread's cancellation by POSIX.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/uncancelled_thread.h"

#include <pthread.h>

#include <utility>

#include "gtest/gtest.h"

namespace weft::internal {
namespace {

// The state and the type of this thread. Asking is setting.
std::pair<int, int> Settings() {
  int state = 0;
  int type = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  pthread_setcanceltype(type, nullptr);
  pthread_setcancelstate(state, nullptr);
  return {state, type};
}

TEST(UncancelledThreadTest, SwitchesCancellationOffWhileItLives) {
  const UncancelledThread uncancelled;

  EXPECT_EQ(Settings().first, PTHREAD_CANCEL_DISABLE);
}

TEST(UncancelledThreadTest, LeavesTheThreadAsItWas) {
  const std::pair<int, int> before = Settings();

  {
    const UncancelledThread uncancelled;
  }

  EXPECT_EQ(Settings(), before);
}

// Which is what spares it the window around each call.
TEST(UncancelledThreadTest, MakesCancellationAsynchronousWhileItIsOff) {
  const UncancelledThread uncancelled;

  EXPECT_EQ(Settings().second, PTHREAD_CANCEL_ASYNCHRONOUS);
}

}  // namespace
}  // namespace weft::internal
