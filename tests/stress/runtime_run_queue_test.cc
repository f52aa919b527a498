// Tests of RunQueue under thieves: each job is taken exactly once, in order.
//
// SPDX-License-Identifier: MIT

#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/tests/support/contended_queue.h"

namespace weft::internal {
namespace {

void StealHalf(RunQueue& queue, tests::Taker& thief) {
  std::vector<Job*> more;
  Job* const first =
      queue.StealHalf([&more](Job& job) { more.push_back(&job); });
  if (first == nullptr) return;
  thief.Take(*first);
  for (Job* const job : more) thief.Take(*job);
}

void ExpectEachJobGoesToOne(tests::Load load) {
  for (const StealBarrier& barrier : tests::EveryStealBarrier()) {
    RunQueue queue(Sharing::kShared, barrier);

    tests::ExpectEachJobGoesToOne(queue, tests::OwnerTakes::kOldest, load,
                                  StealHalf);

    EXPECT_EQ(queue.size(), 0u);
  }
}

TEST(RunQueueStressTest, GivesTheLastJobToOneOfThoseWhoWantIt) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 1});
}

TEST(RunQueueStressTest, GivesEachJobOnceInShortBursts) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 5});
}

TEST(RunQueueStressTest, GivesEachJobOnceWhenItIsOftenFull) {
  ExpectEachJobGoesToOne({.count = 200'000, .largest_burst = 500});
}

TEST(RunQueueStressTest, GivesEachOfAHandfulOnceManyTimes) {
  for (int round = 0; round < 100; ++round) {
    ExpectEachJobGoesToOne({.count = 1 + round % 7, .largest_burst = 2});
  }
}

}  // namespace
}  // namespace weft::internal
