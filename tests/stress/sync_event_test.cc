// Event on real threads: set by one thread, cancelled by another, waited for on
// a third, and destroyed by the waiter the moment it saw it set.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/sync/event.h"

namespace weft::sync {
namespace {

constexpr int kEvents = 1000;

class SyncEventStressTest : public ::testing::TestWithParam<int> {
 protected:
  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncEventStressTest,
                         ::testing::Values(1, 2, 4));

// Whoever sees it set destroys it, while Set may still be on its way out.
Task<absl::Status> WaitAndDestroy(std::unique_ptr<Event>& event) {
  absl::Status waited = co_await event->Wait();
  if (waited.ok()) event.reset();
  co_return waited;
}

TEST_P(SyncEventStressTest, TheWaiterMayDestroyTheEventAtOnce) {
  for (int i = 0; i < kEvents; ++i) {
    auto event = std::make_unique<Event>();
    Event& set_me = *event;
    JoinHandle<absl::Status> waiter = runtime_.Spawn(WaitAndDestroy(event));

    set_me.Set();

    EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
    EXPECT_EQ(event, nullptr);
  }
}

TEST_P(SyncEventStressTest, ASetAndACancellationThatMeetEndTheWaitOnce) {
  // A second thread that cancels what the first hands it, one after the other.
  std::atomic<JoinHandle<absl::Status>*> to_cancel{nullptr};
  std::atomic<bool> stop{false};
  std::thread canceller([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      // acquire and release: with the two of the other thread, the handle goes
      // there and back.
      if (auto* handle = to_cancel.load(std::memory_order_acquire)) {
        handle->Cancel();
        to_cancel.store(nullptr, std::memory_order_release);
      } else {
        std::this_thread::yield();
      }
    }
  });

  for (int i = 0; i < kEvents; ++i) {
    auto event = std::make_unique<Event>();
    Event& set_me = *event;
    JoinHandle<absl::Status> waiter = runtime_.Spawn(WaitAndDestroy(event));
    to_cancel.store(&waiter, std::memory_order_release);
    set_me.Set();
    while (to_cancel.load(std::memory_order_acquire) != nullptr) {
      std::this_thread::yield();
    }

    const absl::Status ended = waiter.BlockingJoin();

    EXPECT_TRUE(ended.ok() || absl::IsCancelled(ended)) << ended;
    EXPECT_EQ(event == nullptr, ended.ok());
  }
  stop.store(true, std::memory_order_relaxed);
  canceller.join();
}

// Counts who came through, and sees what the setter wrote before it set.
Task<absl::Status> WaitForAll(std::vector<std::unique_ptr<Event>>& events,
                              std::vector<int>& written, int& seen) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    absl::Status waited = co_await events[i]->Wait();
    EXPECT_EQ(waited, absl::OkStatus());
    seen += written[i];
  }
  co_return absl::OkStatus();
}

TEST_P(SyncEventStressTest, EverybodyInTwoRuntimesSeesWhatWasWrittenBefore) {
  constexpr int kWaiters = 8;
  Runtime other({.workers = GetParam()});
  std::vector<std::unique_ptr<Event>> events;
  for (int i = 0; i < kEvents; ++i) {
    events.push_back(std::make_unique<Event>());
  }
  std::vector<int> written(kEvents, 0);
  std::vector<int> seen(kWaiters, 0);
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int i = 0; i < kWaiters; ++i) {
    Runtime& runtime = i % 2 == 0 ? runtime_ : other;
    waiters.push_back(runtime.Spawn(WaitForAll(events, written, seen[i])));
  }

  for (int i = 0; i < kEvents; ++i) {
    written[i] = 1;
    events[i]->Set();
  }

  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
  }
  for (int count : seen) EXPECT_EQ(count, kEvents);
}

}  // namespace
}  // namespace weft::sync
