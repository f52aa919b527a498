// Tests of ForkDeque under thieves: each job is taken exactly once, and whoever
// takes it sees what its owner wrote.
//
// SPDX-License-Identifier: MIT

#include "gtest/gtest.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/runtime/internal/job.h"
#include "weft/tests/support/contended_queue.h"

namespace weft::internal {
namespace {

void StealOne(ForkDeque& deque, tests::Taker& thief) {
  if (Job* const job = deque.Steal()) thief.Take(*job);
}

void ExpectEachJobGoesToOne(tests::Load load) {
  for (const StealBarrier& barrier : tests::EveryStealBarrier()) {
    ForkDeque deque(Sharing::kShared, barrier);

    tests::ExpectEachJobGoesToOne(deque, tests::OwnerTakes::kNewest, load,
                                  StealOne);

    EXPECT_TRUE(deque.empty());
  }
}

// Owner and thieves meet at the last job all the time.
TEST(ForkDequeStressTest, GivesTheLastJobToOneOfThoseWhoWantIt) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 1});
}

TEST(ForkDequeStressTest, GivesEachJobOnceInShortBursts) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 4});
}

TEST(ForkDequeStressTest, GivesEachJobOnceWhenItIsOftenFull) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 2000});
}

// A handful of jobs on a fresh deque, again and again: the first indices, and
// thieves that begin while the owner does.
TEST(ForkDequeStressTest, GivesEachOfAHandfulOnceManyTimes) {
  for (int round = 0; round < 100; ++round) {
    ExpectEachJobGoesToOne({.count = 1 + round % 7, .largest_burst = 2});
  }
}

}  // namespace
}  // namespace weft::internal
