// What many see of one sender, on real threads: a broadcast's receivers miss
// nothing that they are not told of, a watch's observers always see the last
// value, and a queue's join comes when the workers have done all.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/queue.h"
#include "weft/sync/watch.h"

namespace weft::sync {
namespace {

constexpr int kValues = 5'000;
constexpr int kReaders = 4;

// Long enough to be on the heap: a value that is torn or freed shows.
std::string Text(int number) {
  return absl::StrCat("a value that is not short, number ", number);
}

class SyncBroadcastStressTest : public ::testing::TestWithParam<int> {
 protected:
  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncBroadcastStressTest,
                         ::testing::Values(1, 2, 4));

// --- Broadcast --------------------------------------------------------------

using Texts = Broadcast<std::string>;

// How many values were received or counted as missed, until the close.
Task<int> Account(Texts::Receiver receiver) {
  int next = 0;
  for (;;) {
    const absl::StatusOr<std::string> got = co_await receiver.Receive();
    if (absl::IsOutOfRange(got.status())) co_return next;
    if (got.ok()) {
      EXPECT_EQ(*got, Text(next));
      ++next;
    } else {
      next += static_cast<int>(receiver.missed());
    }
  }
}

TEST_P(SyncBroadcastStressTest, EveryValueIsReceivedOrCountedAsMissed) {
  for (const std::size_t capacity : {1, 3, 64}) {
    Texts texts(capacity);
    std::vector<JoinHandle<int>> readers;
    for (int i = 0; i < kReaders; ++i) {
      readers.push_back(runtime_.Spawn(Account(texts.Subscribe())));
    }

    for (int i = 0; i < kValues; ++i) {
      ASSERT_EQ(texts.Send(Text(i)), absl::OkStatus());
    }
    texts.Close();

    for (auto& reader : readers) EXPECT_EQ(*reader.BlockingJoin(), kValues);
  }
}

// The number in a Text that is whole.
int NumberIn(const std::string& text) {
  int number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(text.substr(text.rfind(' ') + 1), &number));
  EXPECT_EQ(text, Text(number));
  return number;
}

// Receives a few and goes. Of two senders, one with even and one with odd
// numbers, each is received in its order.
Task<> ReceiveAFew(Texts& texts) {
  Texts::Receiver receiver = texts.Subscribe();
  std::array<int, 2> last = {-1, -1};
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<std::string> got = co_await receiver.Receive();
    if (!got.ok()) continue;  // Cancelled, or too slow.
    const int number = NumberIn(*got);
    int& before = last[number & 1];
    EXPECT_GT(number, before);
    before = number;
  }
}

TEST_P(SyncBroadcastStressTest, ReceiversComeAndGoWhileTwoSend) {
  Texts texts(4);
  std::atomic<bool> stop = false;
  auto send = [&](int first) {
    // relaxed: only a hint.
    for (int i = first; !stop.load(std::memory_order_relaxed); i += 2) {
      ASSERT_EQ(texts.Send(Text(i)), absl::OkStatus());
    }
  };
  {
    std::jthread even(send, 0);
    std::jthread odd(send, 1);
    std::vector<JoinHandle<void>> readers;
    for (int i = 0; i < 200; ++i) {
      readers.push_back(runtime_.Spawn(ReceiveAFew, std::ref(texts)));
      if (i % 3 == 0) readers.back().Cancel();
    }
    for (auto& reader : readers) reader.BlockingJoin().IgnoreError();
    stop.store(true, std::memory_order_relaxed);
  }

  EXPECT_EQ(texts.receivers(), 0u);
}

// --- Watch ------------------------------------------------------------------

Task<int> ObserveToTheEnd(Watch<int>::Observer observer) {
  int seen = -1;
  for (;;) {
    const absl::StatusOr<int> next = co_await observer.Next();
    if (!next.ok()) co_return seen;
    EXPECT_GT(*next, seen);
    seen = *next;
  }
}

TEST_P(SyncBroadcastStressTest, EveryObserverSeesTheLastValueOfAWatch) {
  for (int round = 0; round < 10; ++round) {
    Watch<int> watch(0);
    std::vector<JoinHandle<int>> observers;
    for (int i = 0; i < kReaders; ++i) {
      observers.push_back(runtime_.Spawn(ObserveToTheEnd(watch.Observe())));
    }

    for (int i = 1; i <= kValues / 10; ++i) {
      ASSERT_EQ(watch.Set(i), absl::OkStatus());
    }
    watch.Close();

    for (auto& observer : observers) {
      EXPECT_EQ(*observer.BlockingJoin(), kValues / 10);
    }
  }
}

TEST_P(SyncBroadcastStressTest, NoUpdateOfAWatchIsLost) {
  Watch<int> watch(0);
  auto count = [&watch] {
    for (int i = 0; i < kValues / 5; ++i) {
      ASSERT_EQ(watch.Update([](int& value) { ++value; }), absl::OkStatus());
    }
  };

  {
    std::jthread one(count);
    std::jthread other(count);
    auto observer = watch.Observe();
    auto all = [](int value) { return value == 2 * (kValues / 5); };
    EXPECT_TRUE(runtime_.Spawn(observer.WaitUntil(all)).BlockingJoin().ok());
  }

  EXPECT_EQ(watch.Get(), 2 * (kValues / 5));
}

// --- Queue ------------------------------------------------------------------

struct Job {
  std::atomic<int>* done;
};

Task<> Work(Queue<Job>& jobs) {
  for (;;) {
    const absl::StatusOr<Job> job = co_await jobs.Get();
    if (!job.ok()) co_return;
    co_await Yield();
    // relaxed: TaskDone and Join order it.
    job->done->fetch_add(1, std::memory_order_relaxed);
    jobs.TaskDone();
  }
}

// What it has put when it was cancelled counts, and nothing else.
Task<int> PutMany(Queue<Job>& jobs, std::atomic<int>& done) {
  for (int put = 0; put < 100; ++put) {
    const Job job{&done};
    const absl::Status status = co_await jobs.Put(job);
    if (!status.ok()) co_return put;
  }
  co_return 100;
}

TEST_P(SyncBroadcastStressTest, AJoinComesWhenTheWorkersHaveDoneAll) {
  Queue<Job> jobs(3);
  std::vector<JoinHandle<void>> workers;
  for (int i = 0; i < 4; ++i) {
    workers.push_back(runtime_.Spawn(Work, std::ref(jobs)));
  }
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> done = 0;
    auto one = runtime_.Spawn(PutMany, std::ref(jobs), std::ref(done));
    auto other = runtime_.Spawn(PutMany, std::ref(jobs), std::ref(done));
    if (round % 2 == 0) other.Cancel();
    const int put = *one.BlockingJoin() + *other.BlockingJoin();

    ASSERT_EQ(jobs.BlockingJoin(), absl::OkStatus());

    ASSERT_EQ(done.load(std::memory_order_relaxed), put);
  }
  jobs.Close();
  for (auto& worker : workers) worker.BlockingJoin().IgnoreError();
}

TEST_P(SyncBroadcastStressTest, WhoJoinedMayDestroyTheQueue) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> done = 0;
    auto jobs = std::make_unique<Queue<Job>>(1);
    Job job{&done};
    ASSERT_TRUE(jobs->TryPut(job));
    auto finish = [](Queue<Job>& queue) -> Task<> {
      queue.TryGet();
      queue.TaskDone();
      co_return;
    };
    auto finisher = runtime_.Spawn(finish, std::ref(*jobs));

    ASSERT_EQ(jobs->BlockingJoin(), absl::OkStatus());
    jobs.reset();

    finisher.BlockingJoin().IgnoreError();
  }
}

}  // namespace
}  // namespace weft::sync
