// What only the epoll poller has: two ways to wait, of which older kernels know
// the coarser one. Everything else is in poller_test.cc.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

// A kernel, or a sandbox, that does not know epoll_pwait2.
class OldSystem : public System {
 public:
  explicit OldSystem(int error) : error_(error) {}

  int event_queue_wait(absl::FunctionRef<int()> call) override {
    ++waits;
    if (waits > 1) return call();
    errno = error_;
    return -1;
  }

  int waits = 0;

 private:
  const int error_;
};

absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

class EpollPollerTest : public ::testing::TestWithParam<int> {};

TEST_P(EpollPollerTest, FallsBackToMillisecondsOnceAndStillNeverWakesEarly) {
  OldSystem system(GetParam());
  Poller poller = *Poller::Create(system);
  std::array<Event, 4> buffer;

  int expected_waits = 1;  // The one that fails.
  for (const absl::Duration wait :
       {absl::Nanoseconds(1), absl::Microseconds(1001),
        absl::Milliseconds(3)}) {
    const absl::Duration start = MonotonicNow();
    EXPECT_THAT(*poller.Wait(buffer, wait), IsEmpty());
    EXPECT_GE(MonotonicNow() - start, wait);
    EXPECT_EQ(system.waits, ++expected_waits);
  }
}

INSTANTIATE_TEST_SUITE_P(AnswersToAnUnknownCall, EpollPollerTest,
                         ::testing::Values(ENOSYS, EPERM));

}  // namespace
}  // namespace weft::reactor
