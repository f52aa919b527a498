// The scheduler's queues under real threads: whatever happens, each job comes
// out once, and in the order that the queue promises.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/runtime/internal/inbox.h"
#include "weft/runtime/internal/injector.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/run_queue.h"

namespace weft::internal {
namespace {

constexpr int kThieves = 3;
constexpr int kJobs = 100'000;

// Counts how often it came out of a queue.
struct CountingJob final : Job {
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

  int number = 0;
  int sender = 0;
  // relaxed: read when the threads have been joined.
  std::atomic<int> taken{0};
};

class Jobs {
 public:
  explicit Jobs(std::size_t count) : jobs_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      jobs_[i].number = static_cast<int>(i);
    }
  }
  CountingJob& operator[](int index) { return jobs_[index]; }

  void ExpectEachTakenOnce() const {
    for (const CountingJob& job : jobs_) {
      ASSERT_EQ(job.taken.load(std::memory_order_relaxed), 1) << job.number;
    }
  }

 private:
  std::vector<CountingJob> jobs_;
};

CountingJob& Take(Job& job) {
  auto& taken = static_cast<CountingJob&>(job);
  taken.taken.fetch_add(1, std::memory_order_relaxed);
  return taken;
}

// Runs `work` on `count` threads and joins them.
template <typename Work>
std::vector<std::thread> Start(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([work, i] { work(i); });
  }
  return threads;
}
void Join(std::vector<std::thread>& threads) {
  for (std::thread& thread : threads) thread.join();
}

TEST(ForkDequeStressTest, EachJobGoesToTheOwnerOrToOneThief) {
  ForkDeque deque(Sharing::kShared);
  Jobs jobs(kJobs);
  std::atomic<bool> done{false};
  std::vector<std::thread> thieves = Start(kThieves, [&](int) {
    int last = -1;
    while (!done.load(std::memory_order_acquire) || !deque.empty()) {
      Job* const job = deque.Steal();
      if (job == nullptr) continue;
      // A thief takes from the old end.
      EXPECT_GT(Take(*job).number, last);
      last = static_cast<CountingJob*>(job)->number;
    }
  });

  for (int i = 0; i < kJobs; ++i) {
    while (!deque.Push(jobs[i])) {
      if (Job* const job = deque.Pop()) Take(*job);
    }
    // Mostly nearly empty, where owner and thieves meet.
    if (i % 3 != 0) {
      if (Job* const job = deque.Pop()) Take(*job);
    }
  }
  while (Job* const job = deque.Pop()) Take(*job);
  done.store(true, std::memory_order_release);
  Join(thieves);

  jobs.ExpectEachTakenOnce();
}

TEST(RunQueueStressTest, EachJobGoesToTheOwnerOrToOneThief) {
  RunQueue queue(Sharing::kShared);
  Jobs jobs(kJobs);
  std::atomic<bool> done{false};
  std::vector<std::thread> thieves = Start(kThieves, [&](int) {
    while (!done.load(std::memory_order_acquire) || queue.size() > 0) {
      Job* const job = queue.StealHalf([](Job& more) { Take(more); });
      if (job != nullptr) Take(*job);
    }
  });

  for (int i = 0; i < kJobs; ++i) {
    while (!queue.Push(jobs[i])) {
      if (Job* const job = queue.Pop()) Take(*job);
    }
    if (i % 3 != 0) {
      if (Job* const job = queue.Pop()) Take(*job);
    }
  }
  while (Job* const job = queue.Pop()) Take(*job);
  done.store(true, std::memory_order_release);
  Join(thieves);

  jobs.ExpectEachTakenOnce();
}

TEST(InboxStressTest, KeepsTheOrderOfEachSender) {
  constexpr int kSenders = 3;
  constexpr int kEach = kJobs / kSenders;
  Inbox inbox;
  Jobs jobs(kSenders * kEach);
  std::vector<std::thread> senders = Start(kSenders, [&](int sender) {
    for (int i = 0; i < kEach; ++i) {
      CountingJob& job = jobs[sender * kEach + i];
      job.sender = sender;
      inbox.Push(job);
    }
  });

  std::vector<int> last(kSenders, -1);
  for (int taken = 0; taken < kSenders * kEach;) {
    JobList list = inbox.TakeAll();
    while (Job* const job = list.PopFront()) {
      const CountingJob& next = Take(*job);
      ASSERT_GT(next.number, last[next.sender]);
      last[next.sender] = next.number;
      ++taken;
    }
  }
  Join(senders);

  jobs.ExpectEachTakenOnce();
}

TEST(InboxStressTest, SeveralTakersShareWhatIsSent) {
  Inbox inbox;
  Jobs jobs(kJobs);
  std::atomic<int> taken{0};
  std::vector<std::thread> takers = Start(kThieves, [&](int) {
    while (taken.load(std::memory_order_relaxed) < kJobs) {
      JobList list = inbox.TakeAll();
      while (Job* const job = list.PopFront()) {
        Take(*job);
        taken.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });

  for (int i = 0; i < kJobs; ++i) inbox.Push(jobs[i]);
  Join(takers);

  jobs.ExpectEachTakenOnce();
}

TEST(InjectorStressTest, EachJobComesOutOnce) {
  Injector injector;
  Jobs jobs(kJobs);
  std::atomic<int> taken{0};
  std::vector<std::thread> takers = Start(kThieves, [&](int) {
    while (taken.load(std::memory_order_relaxed) < kJobs) {
      JobList list = injector.Take(64);
      while (Job* const job = list.PopFront()) {
        Take(*job);
        taken.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });

  for (int i = 0; i < kJobs;) {
    JobList batch;
    for (int n = 0; n < 100 && i < kJobs; ++n) batch.PushBack(jobs[i++]);
    injector.Push(batch);
  }
  Join(takers);

  jobs.ExpectEachTakenOnce();
}

}  // namespace
}  // namespace weft::internal
