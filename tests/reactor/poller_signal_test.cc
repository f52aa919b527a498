// Signals as a poller's events. poller_test.cc has the rest of the contract.
//
// SPDX-License-Identifier: MIT

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/tests/reactor/poller_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

// SIGUSR1 and SIGUSR2, blocked, and not pending before or after.
class PollerSignalTest : public PollerTest {
 protected:
  PollerSignalTest() {
    sigemptyset(&blocked_);
    sigaddset(&blocked_, SIGUSR1);
    sigaddset(&blocked_, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
  }
  ~PollerSignalTest() override {
    while (IsPending(SIGUSR1) || IsPending(SIGUSR2)) {
      int taken = 0;
      sigwait(&blocked_, &taken);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  static bool IsPending(int signal) {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, signal) == 1;
  }
  static void Raise(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

 private:
  sigset_t blocked_;
  sigset_t before_;
};

TEST_F(PollerSignalTest, EachSignalRaisedAfterAReportIsReportedAgain) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  EXPECT_THAT(Poll(), IsEmpty());

  for (int i = 0; i < 3; ++i) {
    Raise(SIGUSR1);
    const Event seen = AwaitReadable(kToken);
    EXPECT_FALSE(seen.writable);
    EXPECT_FALSE(seen.hang_up);
    EXPECT_THAT(Poll(), IsEmpty());
  }
}

TEST_F(PollerSignalTest, AReportedSignalIsNotPendingAnyMore) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  Raise(SIGUSR1);

  AwaitReadable(kToken);

  EXPECT_FALSE(IsPending(SIGUSR1));
}

TEST_F(PollerSignalTest, SignalsRaisedTogetherAreOneEvent) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());

  for (int i = 0; i < 3; ++i) Raise(SIGUSR1);

  AwaitReadable(kToken);
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerSignalTest, EverySignalHasItsOwnToken) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.AddSignal(SIGUSR2, kOther).ok());

  Raise(SIGUSR2);
  AwaitReadable(kOther);
  Raise(SIGUSR1);
  AwaitReadable(kToken);
}

TEST_F(PollerSignalTest, ASignalOfAnotherThreadEndsAWaitInProgress) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  std::thread other([&] {
    system_.AwaitWaits(1);
    Raise(SIGUSR1);
  });

  AwaitReadable(kToken);

  other.join();
}

TEST_F(PollerSignalTest, ARemovedSignalIsLeftAlone) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());

  Raise(SIGUSR1);

  EXPECT_THAT(Poll(), IsEmpty());
  EXPECT_TRUE(IsPending(SIGUSR1));
  EXPECT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());
}

TEST_F(PollerSignalTest, ASignalCanBeWatchedAgain) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kOther).ok());

  Raise(SIGUSR1);

  AwaitReadable(kOther);
}

TEST_F(PollerSignalTest, RefusesASecondWatchAndWhatIsNoSignal) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());

  EXPECT_EQ(poller_.AddSignal(SIGUSR1, kOther).code(),
            absl::StatusCode::kAlreadyExists);
  for (const int signal : {-1, 0, 100'000}) {
    EXPECT_EQ(poller_.AddSignal(signal, kToken).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(poller_.RemoveSignal(signal).ok());
  }
}

}  // namespace
}  // namespace weft::reactor
