// Tests of ForkDeque under thieves: each job is taken exactly once, and whoever
// takes it sees what its owner wrote.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/fork_deque.h"

#include <atomic>
#include <cstdint>
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

  int payload = 0;  // Written by the owner before the push.
  std::atomic<int> taken = 0;
};

void Take(Job& job) {
  Item& item = static_cast<Item&>(job);
  // A plain read: the push must have published it.
  item.taken.fetch_add(item.payload, std::memory_order_relaxed);
}

class Thieves {
 public:
  explicit Thieves(ForkDeque& deque) {
    for (int i = 0; i < kThieves; ++i) {
      threads_.emplace_back([this, &deque](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          if (Job* const job = deque.Steal()) {
            Take(*job);
            // relaxed: a count, read after the join.
            stolen_.fetch_add(1, std::memory_order_relaxed);
          }
        }
      });
    }
  }

  // How much they got, once they have stopped.
  int Join() {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();
    return stolen_.load();
  }

 private:
  std::atomic<int> stolen_ = 0;
  std::vector<std::jthread> threads_;
};

// Pushes `items` a few at a time and pops a few after each.
int PushAndPop(ForkDeque& deque, std::vector<Item>& items, int largest_burst) {
  std::mt19937 random(17);
  int popped = 0;
  std::size_t next = 0;
  while (next < items.size()) {
    const unsigned pushes = 1 + random() % largest_burst;
    for (unsigned i = 0; i < pushes && next < items.size(); ++i) {
      items[next].payload = 1;
      if (!deque.Push(items[next])) break;
      ++next;
    }
    const unsigned pops = random() % (largest_burst + 1);
    for (unsigned i = 0; i < pops; ++i) {
      Job* const job = deque.Pop();
      if (job == nullptr) break;
      Take(*job);
      ++popped;
    }
  }
  while (Job* const job = deque.Pop()) {
    Take(*job);
    ++popped;
  }
  return popped;
}

void ExpectEachTakenOnce(int count, int largest_burst) {
  ForkDeque deque(Sharing::kShared);
  std::vector<Item> items(count);
  Thieves thieves(deque);

  const int popped = PushAndPop(deque, items, largest_burst);
  const int stolen = thieves.Join();

  EXPECT_EQ(popped + stolen, count);
  EXPECT_TRUE(deque.empty());
  for (const Item& item : items) ASSERT_EQ(item.taken.load(), 1);
}

// Owner and thieves meet at the last job all the time.
TEST(ForkDequeStressTest, GivesTheLastJobToOneOfThoseWhoWantIt) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/1);
}

TEST(ForkDequeStressTest, GivesEachJobOnceInShortBursts) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/4);
}

TEST(ForkDequeStressTest, GivesEachJobOnceWhenItIsOftenFull) {
  ExpectEachTakenOnce(/*count=*/200'000, /*largest_burst=*/2000);
}

// A handful of jobs on a fresh deque, again and again: the first indices, and
// thieves that begin while the owner does.
TEST(ForkDequeStressTest, GivesEachOfAHandfulOnceManyTimes) {
  for (int round = 0; round < 100; ++round) {
    ExpectEachTakenOnce(/*count=*/1 + round % 7, /*largest_burst=*/2);
  }
}

}  // namespace
}  // namespace weft::internal
