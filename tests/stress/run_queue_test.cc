// Tests of RunQueue under thieves: each job is taken exactly once, in order.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/run_queue.h"

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {
namespace {

constexpr int kThieves = 3;

class Item final : public Job {
 public:
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

  int number = 0;  // Written by the owner before the push.
  std::atomic<int> taken = 0;
};

// Takes jobs, each later than those before, as one who takes from the front
// must find them.
class Taker {
 public:
  void Take(Job& job) {
    Item& item = static_cast<Item&>(job);
    item.taken.fetch_add(1, std::memory_order_relaxed);
    out_of_order_ += item.number <= last_;
    last_ = item.number;
    ++count_;
  }
  int count() const { return count_; }
  int out_of_order() const { return out_of_order_; }

 private:
  int last_ = 0;
  int count_ = 0;
  int out_of_order_ = 0;
};

void ExpectEachTakenOnce(int count, int largest_burst) {
  RunQueue queue(Sharing::kShared);
  std::vector<Item> items(count);
  std::vector<Taker> takers(kThieves + 1);
  {
    std::vector<std::jthread> thieves;
    for (int i = 0; i < kThieves; ++i) {
      thieves.emplace_back(
          [&queue, &taker = takers[i]](const std::stop_token& stop) {
            std::vector<Job*> more;
            while (!stop.stop_requested()) {
              more.clear();
              Job* const first =
                  queue.StealHalf([&more](Job& job) { more.push_back(&job); });
              if (first == nullptr) continue;
              taker.Take(*first);
              for (Job* const job : more) taker.Take(*job);
            }
          });
    }
    Taker& owner = takers.back();
    std::mt19937 random(23);
    int next = 0;
    while (next < count) {
      const unsigned pushes = 1 + random() % largest_burst;
      for (unsigned i = 0; i < pushes && next < count; ++i) {
        items[next].number = next + 1;
        if (!queue.Push(items[next])) break;
        ++next;
      }
      const unsigned pops = random() % (largest_burst + 1);
      for (unsigned i = 0; i < pops; ++i) {
        Job* const job = queue.Pop();
        if (job == nullptr) break;
        owner.Take(*job);
      }
    }
    while (Job* const job = queue.Pop()) owner.Take(*job);
  }

  int taken = 0;
  for (const Taker& taker : takers) {
    taken += taker.count();
    EXPECT_EQ(taker.out_of_order(), 0);
  }
  EXPECT_EQ(taken, count);
  EXPECT_EQ(queue.size(), 0);
  for (const Item& item : items) ASSERT_EQ(item.taken.load(), 1);
}

TEST(RunQueueStressTest, GivesTheLastJobToOneOfThoseWhoWantIt) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/1);
}

TEST(RunQueueStressTest, GivesEachJobOnceInShortBursts) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/5);
}

TEST(RunQueueStressTest, GivesEachJobOnceWhenItIsOftenFull) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/500);
}

TEST(RunQueueStressTest, GivesEachOfAHandfulOnceManyTimes) {
  for (int round = 0; round < 100; ++round) {
    ExpectEachTakenOnce(/*count=*/1 + round % 7, /*largest_burst=*/2);
  }
}

}  // namespace
}  // namespace weft::internal
