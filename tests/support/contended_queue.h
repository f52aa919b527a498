// Queues of jobs that several threads take from: each job must come out once,
// in the order that whoever takes it may expect, with what was written into it
// before the push.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_CONTENDED_QUEUE_H_
#define WEFT_TESTS_SUPPORT_CONTENDED_QUEUE_H_

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/reactor/system.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/steal_barrier.h"

namespace weft::tests {

// A job that counts how often it was taken.
class Item final : public internal::Job {
 public:
  Continuation Run(internal::ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

  // Its place in what is pushed, from 1. Written just before the push, read
  // plainly by whoever takes it: so the push must have published it.
  int number = 0;
  // relaxed: read when the threads have been joined.
  std::atomic<int> taken = 0;
};

inline Item& Take(internal::Job& job) {
  Item& item = static_cast<Item&>(job);
  item.taken.fetch_add(1, std::memory_order_relaxed);
  return item;
}

inline void ExpectEachTakenOnce(const std::vector<Item>& items) {
  for (const Item& item : items) {
    ASSERT_EQ(item.taken.load(std::memory_order_relaxed), 1) << item.number;
  }
}

// One of those who take from a queue; each is used by one thread.
class Taker {
 public:
  void Take(internal::Job& job) {
    const Item& item = tests::Take(job);
    ++count_;
    out_of_order_ += item.number <= last_;
    last_ = item.number;
  }

  int count() const { return count_; }
  // How many were older than one taken before, or not written yet.
  int out_of_order() const { return out_of_order_; }

 private:
  int last_ = 0;
  int count_ = 0;
  int out_of_order_ = 0;
};

// What the owner of a queue finds first.
enum class OwnerTakes { kOldest, kNewest };

struct Load {
  int count;
  // It pushes up to so many jobs at a time, and then pops up to as many.
  int largest_burst;
};

// The owner's side: push a few, pop a few, and at last all that is left.
template <typename Queue>
void PushAndPop(Queue& queue, std::vector<Item>& items, int largest_burst,
                Taker& owner) {
  std::mt19937 random(17);
  std::size_t next = 0;
  while (next < items.size()) {
    const unsigned pushes = 1 + random() % largest_burst;
    for (unsigned i = 0; i < pushes && next < items.size(); ++i) {
      items[next].number = static_cast<int>(next) + 1;
      if (!queue.Push(items[next])) break;
      ++next;
    }
    const unsigned pops = random() % (largest_burst + 1);
    for (unsigned i = 0; i < pops; ++i) {
      internal::Job* const job = queue.Pop();
      if (job == nullptr) break;
      owner.Take(*job);
    }
  }
  // Null may also mean that a thief is inside.
  while (!queue.empty()) {
    if (internal::Job* const job = queue.Pop()) owner.Take(*job);
  }
}

// Both forms of the order between an owner and its thieves: both pay, and,
// where the system can do it, thieves pay.
inline std::vector<internal::StealBarrier> EveryStealBarrier() {
  std::vector<internal::StealBarrier> barriers(1);
  const auto paid_by_thieves =
      internal::StealBarrier::PaidByThieves(reactor::System::Kernel());
  if (paid_by_thieves.thieves_pay()) barriers.push_back(paid_by_thieves);
  return barriers;
}

// Lets three thieves at a queue that its owner pushes to and pops from.
// steal(queue, thief) tries to steal once.
template <typename Queue, typename Steal>
void ExpectEachJobGoesToOne(Queue& queue, OwnerTakes order, Load load,
                            Steal steal) {
  constexpr int kThieves = 3;
  std::vector<Item> items(load.count);
  std::vector<Taker> takers(kThieves);
  Taker owner;
  {
    std::vector<std::jthread> threads;
    for (Taker& thief : takers) {
      threads.emplace_back(
          [&queue, &thief, steal](const std::stop_token& stop) {
            while (!stop.stop_requested()) steal(queue, thief);
          });
    }
    PushAndPop(queue, items, load.largest_burst, owner);
  }

  int count = owner.count();
  for (const Taker& thief : takers) {
    count += thief.count();
    // A thief takes from the old end.
    EXPECT_EQ(thief.out_of_order(), 0);
  }
  EXPECT_EQ(count, load.count);
  if (order == OwnerTakes::kOldest) {
    EXPECT_EQ(owner.out_of_order(), 0);
  }
  ExpectEachTakenOnce(items);
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_CONTENDED_QUEUE_H_
