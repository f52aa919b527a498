// Tests of who gets a turn when a worker is busy for long: its timers, its
// descriptors, and the tasks in its queues are served all the same. A task that
// is starved hangs the test.
//
// SPDX-License-Identifier: MIT

#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/sync/event.h"

namespace weft {
namespace {

using Flag = std::atomic<bool>;

// Computes, without giving its worker up, until somebody else has run.
void ComputeUntil(const Flag& flag) {
  while (!flag.load()) std::this_thread::yield();
}

// --- Floods -----------------------------------------------------------------

class FloodTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Workers, FloodTest, ::testing::Values(1, 2));

constexpr int kTicks = 20;

Task<> Tick(Flag& done) {
  for (int i = 0; i < kTicks; ++i) {
    static_cast<void>(co_await SleepFor(absl::Milliseconds(1)));
  }
  done = true;
}

// A tree that is never finished: only the flag ends it.
Task<> Flood(int depth, const Flag& done) {
  if (depth == 0 || done.load(std::memory_order_relaxed)) co_return;
  co_await WhenAll(Flood(depth - 1, done), Flood(depth - 1, done));
}

TEST_P(FloodTest, OfForksLeavesATickerItsTicks) {
  Runtime runtime({.workers = GetParam()});
  Flag done = false;
  JoinHandle<void> flood = runtime.Spawn(Flood(60, done));

  EXPECT_TRUE(runtime.BlockOn(Tick(done)).ok());

  EXPECT_TRUE(flood.BlockingJoin().ok());
}

TEST_P(FloodTest, OfYieldsLeavesATickerItsTicks) {
  Runtime runtime({.workers = GetParam()});
  Flag done = false;
  auto yield = [](const Flag& done) -> Task<> {
    while (!done.load(std::memory_order_relaxed)) co_await Yield();
  };
  std::vector<JoinHandle<void>> flood;
  for (int i = 0; i < 10; ++i) flood.push_back(runtime.Spawn(yield(done)));

  EXPECT_TRUE(runtime.BlockOn(Tick(done)).ok());

  for (JoinHandle<void>& each : flood) EXPECT_TRUE(each.BlockingJoin().ok());
}

// A task that yields and is alone goes on at once, and must come up for air.
TEST_P(FloodTest, OfOneThatYieldsAloneLeavesATickerItsTicks) {
  Runtime runtime({.workers = GetParam()});
  Flag done = false;
  auto yield = [](const Flag& done) -> Task<> {
    while (!done.load(std::memory_order_relaxed)) co_await Yield();
  };
  JoinHandle<void> alone = runtime.Spawn(yield(done));

  EXPECT_TRUE(runtime.BlockOn(Tick(done)).ok());

  EXPECT_TRUE(alone.BlockingJoin().ok());
}

TEST_P(FloodTest, OfOneThatYieldsAloneEndsWithTheRuntime) {
  Flag begun = false;
  Flag ended = false;
  auto yield = [](Flag& begun, Flag& ended) -> Task<> {
    begun = true;
    while (!IsCancelled()) co_await Yield();
    ended = true;
  };
  {
    Runtime runtime({.workers = GetParam()});
    runtime.Spawn(yield(begun, ended)).Detach();
    ComputeUntil(begun);
  }

  EXPECT_TRUE(ended);
}

TEST_P(FloodTest, OfForksLeavesTasksFromOutsideTheirTurn) {
  Runtime runtime({.workers = GetParam()});
  Flag done = false;
  JoinHandle<void> flood = runtime.Spawn(Flood(60, done));
  auto answer = []() -> Task<int> { co_return 42; };

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(runtime.BlockOn(answer()), absl::StatusOr<int>(42));
  }
  done = true;

  EXPECT_TRUE(flood.BlockingJoin().ok());
}

// --- A worker that computes for long ----------------------------------------

constexpr int kTimes = 5;

TEST(BusyWorkerTest, ItsSiblingRunsWhatItHasJustWoken) {
  Runtime runtime({.workers = 2});
  for (int i = 0; i < kTimes; ++i) {
    sync::Event event;
    Flag woken = false;
    auto sleeper = [&]() -> Task<> {
      static_cast<void>(co_await event.Wait());
      woken = true;
    };
    auto compute = [&]() -> Task<> {
      JoinHandle<void> waiting = Spawn(sleeper());
      co_await Yield();  // It waits now.
      event.Set();       // And is in our LIFO slot.
      ComputeUntil(woken);
      static_cast<void>(co_await waiting.Join());
    };

    EXPECT_TRUE(runtime.BlockOn(compute()).ok());
  }
}

TEST(BusyWorkerTest, ItsSiblingRunsWhatItHasSpawned) {
  Runtime runtime({.workers = 2});
  constexpr int kTasks = 300;  // More than fit into its queue.
  for (int i = 0; i < kTimes; ++i) {
    std::atomic<int> ran = 0;
    Flag all_ran = false;
    auto brief = [&]() -> Task<> {
      if (++ran == kTasks) all_ran = true;
      co_return;
    };
    auto compute = [&]() -> Task<> {
      for (int j = 0; j < kTasks; ++j) Spawn(brief()).Detach();
      ComputeUntil(all_ran);
      co_return;
    };

    EXPECT_TRUE(runtime.BlockOn(compute()).ok());
  }
}

TEST(BusyWorkerTest, ItsSiblingFiresItsTimers) {
  Runtime runtime({.workers = 2});
  for (int i = 0; i < kTimes; ++i) {
    Flag slept = false;
    auto sleep = [&]() -> Task<> {
      static_cast<void>(co_await SleepFor(absl::Milliseconds(2)));
      slept = true;
    };
    auto compute = [&]() -> Task<> {
      ComputeUntil(slept);
      co_return;
    };
    auto run = [&]() -> Task<> { co_await WhenAll(sleep(), compute()); };

    EXPECT_TRUE(runtime.BlockOn(run()).ok());
  }
}

TEST(BusyWorkerTest, ItsSiblingPollsItsDescriptors) {
  Runtime runtime({.workers = 2});
  for (int i = 0; i < kTimes; ++i) {
    reactor::System& system = reactor::System::Kernel();
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(system.pipe(ends.data()), 0);
    const reactor::Fd peer(ends[1]);
    Flag ready = false;
    auto wait = [&]() -> Task<absl::Status> {
      reactor::SourceHandle source = CurrentReactor().sources().Adopt(
          reactor::Fd(ends[0]), reactor::System::Kernel());
      source->TakeReady(reactor::Direction::kRead);
      absl::Status status =
          co_await WaitReady(*source, reactor::Direction::kRead);
      ready = true;
      co_return status;
    };
    auto compute = [&]() -> Task<> {
      EXPECT_EQ(system.write(peer.get(), "x", 1), 1);
      ComputeUntil(ready);
      co_return;
    };
    auto run = [&]() -> Task<absl::Status> {
      auto [status, nothing] = co_await WhenAll(wait(), compute());
      co_return status;
    };

    EXPECT_TRUE(runtime.BlockOn(run()).ok());
  }
}

TEST(BusyWorkerTest, ItsSiblingRunsWhatComesFromOutside) {
  Runtime runtime({.workers = 2});
  Flag enough = false;
  auto compute = [&]() -> Task<> {
    ComputeUntil(enough);
    co_return;
  };
  JoinHandle<void> busy = runtime.Spawn(compute());
  auto answer = []() -> Task<int> { co_return 42; };

  // Some of them land in the inbox of the worker that is busy.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(runtime.BlockOn(answer()), absl::StatusOr<int>(42));
  }
  enough = true;

  EXPECT_TRUE(busy.BlockingJoin().ok());
}

// --- Nothing to do ----------------------------------------------------------

// Somebody who spins uses all of every such while; a sanitizer's own thread, or
// a machine that is busy with others, may disturb some of them.
constexpr std::chrono::milliseconds kWhile{50};
constexpr int kWhiles = 40;

absl::Duration ProcessorTime() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

class IdleTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Workers, IdleTest, ::testing::Values(1, 2, 4));

TEST_P(IdleTest, ARuntimeThatWaitsUsesNoProcessor) {
  Runtime runtime({.workers = GetParam()});
  // A peer that is gone, and nobody who waits for it: no reason to spin.
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()),
            0);
  reactor::Fd peer(ends[1]);
  reactor::SourceHandle source;
  auto register_source = [&]() -> Task<absl::Status> {
    source = CurrentReactor().sources().Adopt(reactor::Fd(ends[0]),
                                              reactor::System::Kernel());
    co_return source->Register(CurrentReactor());
  };
  ASSERT_TRUE(runtime.BlockOn(register_source()).ok());
  peer = reactor::Fd();
  auto sleep = []() -> Task<> {
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  };
  for (int i = 0; i < 1000; ++i) runtime.Spawn(sleep()).Detach();
  bool idle = false;
  for (int i = 0; i < kWhiles && !idle; ++i) {
    const absl::Duration before = ProcessorTime();
    std::this_thread::sleep_for(kWhile);
    idle = ProcessorTime() - before < absl::FromChrono(kWhile) / 20;
  }

  EXPECT_TRUE(idle);
}

}  // namespace
}  // namespace weft
