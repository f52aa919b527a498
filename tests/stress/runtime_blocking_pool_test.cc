// Tests of weft::Blocking on real threads, and of the pool behind it.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft {
namespace {

using Submitted = internal::BlockingPool::Submitted;

Task<absl::StatusOr<std::thread::id>> AskForThread() {
  auto ask = [] { return std::this_thread::get_id(); };
  absl::StatusOr<std::thread::id> id = co_await Blocking(ask);
  co_return id;
}

TEST(BlockingStressTest, RunsOnAThreadThatIsNoWorker) {
  Runtime runtime({.workers = 1});
  auto compare = []() -> Task<absl::StatusOr<bool>> {
    const std::thread::id worker = std::this_thread::get_id();
    std::thread::id pool = co_await OrReturn(AskForThread());
    co_return worker != pool&& worker == std::this_thread::get_id();
  };

  EXPECT_EQ(runtime.BlockOn(compare()), absl::StatusOr<bool>(true));
}

TEST(BlockingStressTest, LeavesTheWorkerToOthersMeanwhile) {
  Runtime runtime({.workers = 1});
  std::latch released(1);
  auto block = [&]() -> Task<absl::Status> {
    auto wait = [&released] { released.wait(); };
    absl::Status status = co_await Blocking(wait);
    co_return status;
  };
  auto release = [&]() -> Task<> {
    released.count_down();
    co_return;
  };

  JoinHandle<absl::Status> blocked = runtime.Spawn(block());
  EXPECT_TRUE(runtime.BlockOn(release()).ok());

  EXPECT_TRUE(blocked.BlockingJoin().ok());
}

TEST(BlockingStressTest, GivesResultsAndExceptionsOfManyAtATime) {
  constexpr int kTasks = 1000;
  Runtime runtime({.workers = 2, .max_blocking_threads = 8});
  auto work = [](int number) -> Task<absl::StatusOr<int>> {
    auto call = [number] {
      if (number % 10 == 0) throw std::runtime_error(std::to_string(number));
      return number;
    };
    int result = 0;
    try {
      result = co_await OrReturn(Blocking(call));
    } catch (const std::runtime_error& error) {
      result = std::stoi(error.what());
    }
    co_return result;
  };
  std::vector<JoinHandle<absl::StatusOr<int>>> handles;

  for (int i = 0; i < kTasks; ++i) handles.push_back(runtime.Spawn(work(i)));

  for (int i = 0; i < kTasks; ++i) {
    EXPECT_EQ(handles[i].BlockingJoin(), absl::StatusOr<int>(i));
  }
}

TEST(BlockingStressTest, NeverUsesMoreThreadsThanItMay) {
  Runtime runtime({.workers = 2, .max_blocking_threads = 3});
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  auto work = [&]() -> Task<absl::Status> {
    auto call = [&] {
      const int now = ++inside;
      int before = most;
      while (now > before && !most.compare_exchange_weak(before, now)) {
      }
      std::this_thread::yield();
      --inside;
    };
    absl::Status status = co_await Blocking(call);
    co_return status;
  };
  std::vector<JoinHandle<absl::Status>> handles;

  for (int i = 0; i < 300; ++i) handles.push_back(runtime.Spawn(work()));
  for (auto& handle : handles) EXPECT_TRUE(handle.BlockingJoin().ok());

  EXPECT_GE(most, 1);
  EXPECT_LE(most, 3);
}

// One thread, which is busy: what is behind it has not begun.
class BusyPoolTest : public ::testing::Test {
 protected:
  BusyPoolTest() {
    occupied_ = runtime_.Spawn(Occupy());
    begun_.wait();
  }

  Task<absl::StatusOr<int>> Occupy() {
    auto wait = [this] {
      begun_.count_down();
      released_.wait();
      return 1;
    };
    absl::StatusOr<int> one = co_await Blocking(wait);
    co_return one;
  }

  Task<absl::Status> Call() {
    auto call = [this] { ++calls_; };
    absl::Status status = co_await Blocking(call);
    co_return status;
  }

  std::latch begun_{1};
  std::latch released_{1};
  std::atomic<int> calls_ = 0;
  Runtime runtime_{{.workers = 1, .max_blocking_threads = 1}};
  JoinHandle<absl::StatusOr<int>> occupied_;
};

TEST_F(BusyPoolTest, WhatIsCancelledBeforeItBeginsNeverBegins) {
  std::vector<JoinHandle<absl::Status>> queued;
  for (int i = 0; i < 10; ++i) queued.push_back(runtime_.Spawn(Call()));
  auto turn = []() -> Task<> { co_return; };
  EXPECT_TRUE(runtime_.BlockOn(turn()).ok());  // They wait now.

  // From the middle, the front and the end of the queue.
  for (int i : {5, 0, 9}) {
    queued[i].Cancel();
    EXPECT_EQ(queued[i].BlockingJoin(), CancelledError());
  }
  released_.count_down();

  for (int i : {1, 2, 3, 4, 6, 7, 8}) {
    EXPECT_TRUE(queued[i].BlockingJoin().ok());
  }
  EXPECT_EQ(calls_, 7);
  EXPECT_EQ(occupied_.BlockingJoin(), absl::StatusOr<int>(1));
}

TEST_F(BusyPoolTest, WhatHasBegunIsAwaitedAndItsResultIsGiven) {
  auto watch = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::Milliseconds(2));
    co_return slept;
  };

  occupied_.Cancel();
  EXPECT_TRUE(runtime_.BlockOn(watch()).ok());
  EXPECT_FALSE(occupied_.finished());
  released_.count_down();

  EXPECT_EQ(occupied_.BlockingJoin(), absl::StatusOr<int>(1));
}

TEST(BlockingStressTest, CancellingMeetsBeginning) {
  Runtime runtime({.workers = 2, .max_blocking_threads = 2});
  std::atomic<int> calls = 0;
  std::atomic<int> done = 0;
  std::atomic<int> cancelled = 0;
  auto work = [&]() -> Task<> {
    auto call = [&calls] { ++calls; };
    absl::Status status = co_await Blocking(call);
    ++(status.ok() ? done : cancelled);
  };
  for (int round = 0; round < 40; ++round) {
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 25; ++i) handles.push_back(runtime.Spawn(work()));
    for (JoinHandle<void>& handle : handles) handle.Cancel();
    for (auto& handle : handles) EXPECT_TRUE(handle.BlockingJoin().ok());
  }

  EXPECT_EQ(calls, done);
  EXPECT_EQ(done + cancelled, 40 * 25);
}

TEST(BlockingStressTest, EndingTheRuntimeWaitsForWhatHasBegun) {
  std::atomic<bool> finished = false;
  {
    std::latch begun(1);
    Runtime runtime({.workers = 2});
    auto work = [&]() -> Task<> {
      auto call = [&] {
        begun.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        finished = true;
      };
      static_cast<void>(co_await Blocking(call));
    };
    runtime.Spawn(work).Detach();
    begun.wait();
  }

  EXPECT_TRUE(finished);
}

// --- The pool itself --------------------------------------------------------

class CountedWork final : public internal::BlockingWork {
 public:
  explicit CountedWork(std::atomic<int>& done) : done_(done) {}

  void RunAndFinish() noexcept override { ++done_; }

 private:
  std::atomic<int>& done_;
};

TEST(BlockingPoolStressTest, StopFinishesWhatIsQueued) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    std::vector<CountedWork> works(100, CountedWork(done));
    internal::BlockingPool pool(3);

    for (CountedWork& work : works) {
      EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
    }
    pool.Stop();

    EXPECT_EQ(done, 100);
  }
}

// Notes who does it, and keeps him until it is let go.
class HeldWork final : public internal::BlockingWork {
 public:
  void RunAndFinish() noexcept override {
    doer_ = std::this_thread::get_id();
    begun_.count_down();
    let_go_.wait();
  }

  std::thread::id AwaitDoer() {
    begun_.wait();
    return doer_;
  }
  void LetGo() { let_go_.count_down(); }

 private:
  std::thread::id doer_;
  std::latch begun_{1};
  std::latch let_go_{1};
};

void AwaitIdle(internal::BlockingPool& pool, int threads) {
  while (pool.idle_threads() < threads) std::this_thread::yield();
}

TEST(BlockingPoolStressTest, CallsTheThreadThatWasBusyLast) {
  std::array<HeldWork, 3> first;
  std::array<HeldWork, 100> later;
  internal::BlockingPool pool(10, std::chrono::hours(1));
  for (HeldWork& work : first) {
    EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
  }
  std::set<std::thread::id> doers;
  for (HeldWork& work : first) doers.insert(work.AwaitDoer());
  EXPECT_EQ(doers.size(), first.size());

  for (int i = 0; HeldWork & work : first) {
    work.LetGo();
    AwaitIdle(pool, ++i);
  }
  for (HeldWork& work : later) {
    EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
    EXPECT_EQ(work.AwaitDoer(), first.back().AwaitDoer());
    work.LetGo();
    AwaitIdle(pool, 3);
  }
}

// Idle threads end almost at once, and some of them while others are called.
TEST(BlockingPoolStressTest, ThreadsThatHaveEndedAreFollowedByOthers) {
  std::atomic<int> done = 0;
  internal::BlockingPool pool(4, std::chrono::microseconds(20));
  for (int round = 1; round <= 300; ++round) {
    std::vector<CountedWork> works(8, CountedWork(done));
    for (CountedWork& work : works) {
      EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
    }
    while (done < 8 * round) std::this_thread::yield();
    while (round % 3 == 0 && pool.idle_threads() > 0) {
      std::this_thread::yield();
    }
  }
}

TEST(BlockingPoolStressTest, StopsWhileThreadsEnd) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> done = 0;
    std::vector<CountedWork> works(8, CountedWork(done));
    internal::BlockingPool pool(8, std::chrono::microseconds(round % 20));
    for (CountedWork& work : works) {
      EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
    }
    pool.Stop();

    EXPECT_EQ(done, 8);
  }
}

TEST(BlockingPoolStressTest, QueuesNothingThatIsRefused) {
  std::atomic<int> done = 0;
  CountedWork work(done);
  internal::BlockingPool pool(1);

  EXPECT_EQ(pool.SubmitIf(work, [] { return false; }),
            Submitted::kNotPublished);
  EXPECT_FALSE(pool.TakeBack(work));
  pool.Stop();

  EXPECT_EQ(done, 0);
}

TEST(BlockingPoolStressTest, WhatIsTakenBackIsDoneByNobody) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    std::vector<CountedWork> works(100, CountedWork(done));
    internal::BlockingPool pool(2);
    int taken_back = 0;

    for (CountedWork& work : works) {
      EXPECT_EQ(pool.SubmitIf(work, [] { return true; }), Submitted::kYes);
    }
    for (CountedWork& work : works) taken_back += pool.TakeBack(work);
    pool.Stop();

    EXPECT_EQ(done + taken_back, 100);
  }
}

}  // namespace
}  // namespace weft
