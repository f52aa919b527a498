// The queues that others than their owner fill, on real threads: whatever
// happens, each job comes out once, and in the order that the queue promises.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/internal/inbox.h"
#include "weft/runtime/internal/injector.h"
#include "weft/runtime/internal/job.h"
#include "weft/tests/support/contended_queue.h"

namespace weft::internal {
namespace {

constexpr int kThreads = 3;
constexpr int kJobs = 100'000;

using Items = std::vector<tests::Item>;

// Calls work(i) on several threads, the i-th with its number.
template <typename Work>
std::vector<std::jthread> Start(Work work) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([work, i] { work(i); });
  }
  return threads;
}

// Threads that empty a queue until all jobs have come out of it, and count
// them. take() gives a JobList.
template <typename Take>
std::vector<std::jthread> StartTakers(std::atomic<int>& taken, Take take) {
  return Start([&taken, take](int) {
    // relaxed: it counts; the jobs come through the queue.
    while (taken.load(std::memory_order_relaxed) < kJobs) {
      JobList list = take();
      while (Job* const job = list.PopFront()) {
        EXPECT_GT(tests::Take(*job).number, 0);
        taken.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
}

TEST(InboxStressTest, KeepsTheOrderOfEachSender) {
  constexpr int kEach = kJobs / kThreads;
  Inbox inbox;
  std::vector<Items> items;
  for (int sender = 0; sender < kThreads; ++sender) items.emplace_back(kEach);
  std::vector<std::jthread> senders = Start([&](int sender) {
    for (int i = 0; i < kEach; ++i) {
      // Which sender it comes from stands in the number.
      items[sender][i].number = sender * kEach + i + 1;
      inbox.Push(items[sender][i]);
    }
  });

  std::vector<tests::Taker> from(kThreads);
  for (int taken = 0; taken < kThreads * kEach;) {
    JobList list = inbox.TakeAll();
    while (Job* const job = list.PopFront()) {
      from[(static_cast<tests::Item*>(job)->number - 1) / kEach].Take(*job);
      ++taken;
    }
  }
  senders.clear();

  for (const tests::Taker& each : from) EXPECT_EQ(each.out_of_order(), 0);
  for (const Items& each : items) tests::ExpectEachTakenOnce(each);
}

TEST(InboxStressTest, SeveralTakersShareWhatIsSent) {
  Inbox inbox;
  Items items(kJobs);
  std::atomic<int> taken = 0;
  std::vector<std::jthread> takers =
      StartTakers(taken, [&inbox] { return inbox.TakeAll(); });

  for (int i = 0; i < kJobs; ++i) {
    items[i].number = i + 1;
    inbox.Push(items[i]);
  }
  takers.clear();

  tests::ExpectEachTakenOnce(items);
}

TEST(InjectorStressTest, EachJobComesOutOnce) {
  Injector injector;
  Items items(kJobs);
  std::atomic<int> taken = 0;
  std::vector<std::jthread> takers =
      StartTakers(taken, [&injector] { return injector.Take(64); });

  for (int i = 0; i < kJobs;) {
    JobList batch;
    for (int n = 0; n < 100 && i < kJobs; ++n, ++i) {
      items[i].number = i + 1;
      batch.PushBack(items[i]);
    }
    injector.Push(batch);
  }
  takers.clear();

  tests::ExpectEachTakenOnce(items);
}

}  // namespace
}  // namespace weft::internal
