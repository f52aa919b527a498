// How a poller is woken, and what other threads may do while it waits.
// poller_test.cc has the rest of the contract.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/tests/reactor/bare_sockets.h"
#include "weft/tests/reactor/poller_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

TEST_F(PollerTest, AWakeBeforeTheWaitEndsItAndIsNoEvent) {
  poller_.Wake();

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
}

TEST_F(PollerTest, WakesCoalesce) {
  const int calls_before = system_.control_calls();
  for (int i = 0; i < 5; ++i) poller_.Wake();
  EXPECT_EQ(system_.control_calls() - calls_before, 1);

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Poll(absl::Milliseconds(20)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(20));
}

TEST_F(PollerTest, EveryWaitCanBeWokenAgain) {
  for (int i = 0; i < 100; ++i) {
    poller_.Wake();
    EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
  }
}

TEST_F(PollerTest, AWakeOfAnotherThreadEndsAWaitInProgress) {
  std::thread waker([&] {
    system_.AwaitWaits(1);
    poller_.Wake();
  });

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  waker.join();
}

// dallison/co#1: a wake was cleared together with a batch it did not fit into.
TEST_F(PollerTest, AWakeBesideAnEventLosesNeitherInABatchOfOne) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  for (int i = 0; i < 50; ++i) {
    Send(pair.theirs, "x");
    poller_.Wake();

    Await(kToken, {.token = kToken, .readable = true}, /*room=*/1);
    Receive(pair.ours);

    // Either this wake or the one before ends it.
    poller_.Wake();
    Poll(absl::InfiniteDuration(), /*room=*/1);
  }
}

// The data passed is not atomic: the thread sanitizer checks that a Wake orders
// what was written before it, and a lost wake hangs.
TEST_F(PollerTest, AWakeHandsOverWhatWasWrittenBefore) {
  constexpr int kHandovers = 20'000;
  int handed_over = 0;
  std::atomic<int> taken = 0;
  std::thread waker([&] {
    for (int i = 1; i <= kHandovers; ++i) {
      handed_over = i;
      poller_.Wake();
      for (int seen = taken.load(); seen < i; seen = taken.load()) {
        taken.wait(seen);
      }
    }
  });

  for (int i = 1; i <= kHandovers; ++i) {
    ASSERT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
    ASSERT_EQ(handed_over, i);
    taken.store(i);
    taken.notify_one();
  }

  waker.join();
}

TEST_F(PollerTest, NoWakeOfManyThreadsIsLost) {
  constexpr int kThreads = 3;
  constexpr int kPosts = 5'000;
  std::atomic<int> posted = 0;
  std::vector<std::thread> posters;
  for (int i = 0; i < kThreads; ++i) {
    posters.emplace_back([&] {
      for (int post = 0; post < kPosts; ++post) {
        posted.fetch_add(1);
        poller_.Wake();
      }
    });
  }

  // Whoever posts last also wakes after it: without a lost wake this ends.
  while (posted.load() < kThreads * kPosts) Poll(absl::InfiniteDuration());

  for (std::thread& poster : posters) poster.join();
}

TEST_F(PollerTest, OtherThreadsAddAndRemoveDuringAWait) {
  constexpr int kRounds = 2'000;
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      const Pair pair = UnixPair();
      ASSERT_TRUE(poller_.Add(pair.ours.get(), kOther).ok());
      Send(pair.theirs, "x");
      ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
    }
    done.store(true);
    poller_.Wake();
  });

  while (!done.load()) {
    for (const Event& event : Poll(absl::InfiniteDuration())) {
      ASSERT_EQ(event.token, kOther);
    }
  }

  other.join();
}

TEST_F(PollerTest, AddOfAnotherThreadReachesAWaitInProgress) {
  const Pair pair = UnixPair();
  std::thread other([&] {
    system_.AwaitWaits(1);
    ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  });

  AwaitWritable(kToken);

  other.join();
}

}  // namespace
}  // namespace weft::reactor
