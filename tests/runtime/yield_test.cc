// Tests of weft::Yield, and of the turns that tasks are given without asking:
// the budget of an operation that never waits, the bound on the LIFO slot.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/yield.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/waits.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

TEST(YieldTest, LetsEveryTaskThatIsReadyRunFirst) {
  testing::Simulator sim;
  std::vector<std::string> log;
  auto other = [](std::string name, std::vector<std::string>& log) -> Task<> {
    log.push_back(std::move(name));
    co_return;
  };
  auto run = [&]() -> Task<> {
    sim.Spawn(other("first", log));
    sim.Spawn(other("second", log));
    co_await Yield();
    log.push_back("yielder");
  };

  EXPECT_TRUE(sim.Run(run()).ok());

  EXPECT_THAT(log, ElementsAre("first", "second", "yielder"));
}

TEST(YieldTest, GoesOnAtOnceWhereThereIsNobodyElse) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto run = []() -> Task<int> {
    int turns = 0;
    for (int i = 0; i < 1000; ++i) {
      co_await Yield();
      ++turns;
    }
    co_return turns;
  };

  EXPECT_EQ(*sim.Run(run()), 1000);
  EXPECT_EQ(sim.now(), begin);
}

TEST(YieldTest, AMillionYieldsGiveTheSiblingAMillionTurns) {
  testing::Simulator sim;
  constexpr int kMillion = 1'000'000;
  std::array<int, 2> turns{};
  int largest_lead = 0;
  auto yielder = [&](int self) -> Task<> {
    for (int i = 0; i < kMillion; ++i) {
      ++turns[self];
      largest_lead = std::max(largest_lead, std::max(turns[0], turns[1]) -
                                                std::min(turns[0], turns[1]));
      co_await Yield();
    }
  };

  sim.Spawn(yielder(0));
  sim.Spawn(yielder(1));
  sim.RunUntilIdle();

  EXPECT_THAT(turns, ElementsAre(kMillion, kMillion));
  EXPECT_EQ(largest_lead, 1);
}

TEST(YieldTest, IsATurnAndNoWaitThatCancellationEnds) {
  testing::Simulator sim;
  int turns = 0;
  bool cancelled = false;
  auto run = [&]() -> Task<> {
    while (!IsCancelled()) {
      ++turns;
      co_await Yield();
    }
    co_await Yield();
    cancelled = IsCancelled();
  };
  JoinHandle<void> yielder = sim.SpawnJoinable(run());
  auto cancel_soon = [&]() -> Task<> {
    for (int i = 0; i < 5; ++i) co_await Yield();
    yielder.Cancel();
  };

  sim.Spawn(cancel_soon());
  sim.RunUntilIdle();

  EXPECT_TRUE(yielder.finished());
  EXPECT_TRUE(cancelled);
  EXPECT_GE(turns, 5);
}

TEST(YieldTest, ComesBackIntoTheScopeItLeft) {
  testing::Simulator sim;
  auto yield_twice = [](bool& cancelled) -> Task<> {
    co_await Yield();
    co_await Yield();
    cancelled = IsCancelled();
  };
  bool first_cancelled = false;
  bool second_cancelled = true;
  JoinHandle<void> first = sim.SpawnJoinable(yield_twice(first_cancelled));
  JoinHandle<void> second = sim.SpawnJoinable(yield_twice(second_cancelled));

  first.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(first_cancelled);
  EXPECT_FALSE(second_cancelled);
}

// --- The budget -------------------------------------------------------------

// An operation that is done whenever it is tried.
struct AlwaysDone {
  std::optional<absl::Status> operator()() { return absl::OkStatus(); }
};

IoAwaiter<AlwaysDone> Operate(reactor::Source& source) {
  return WhenReady(source, reactor::Direction::kWrite, FirstTry::kAtOnce,
                   AlwaysDone());
}

// The end of a pipe that nobody reads.
Task<reactor::SourceHandle> OpenSource() {
  reactor::System& system = reactor::System::Kernel();
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(system.pipe(ends.data()), 0);
  reactor::Fd unused(ends[0], system);
  co_return CurrentReactor().sources().Adopt(reactor::Fd(ends[1], system),
                                             system);
}

TEST(BudgetTest, OperationsThatNeverWaitYieldAfter128OfThem) {
  testing::Simulator sim;
  bool sibling_ran = false;
  auto sibling = [](bool& ran) -> Task<> {
    ran = true;
    co_return;
  };
  auto run = [&]() -> Task<int> {
    reactor::SourceHandle source = co_await OpenSource();
    co_await Yield();  // A fresh budget.
    sim.Spawn(sibling(sibling_ran));
    int done_alone = 0;
    for (;;) {
      absl::Status status = co_await Operate(*source);
      EXPECT_TRUE(status.ok());
      if (sibling_ran) co_return done_alone;
      ++done_alone;
    }
  };

  EXPECT_EQ(*sim.Run(run()), 128);
}

TEST(BudgetTest, SleepsThatAreOverYieldAfter128OfThem) {
  auto sleep = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepUntil(Instant());
    co_return slept;
  };

  EXPECT_EQ(tests::TimesBeforeAnotherHasATurn(sleep), 128);
}

TEST(BudgetTest, WaitsForWhatIsReadyYieldAfter128OfThem) {
  reactor::SourceHandle source;
  auto wait = [&]() -> Task<absl::Status> {
    if (!source) source = co_await OpenSource();
    absl::Status ready =
        co_await WaitReady(*source, reactor::Direction::kWrite);
    co_return ready;
  };

  EXPECT_EQ(tests::TimesBeforeAnotherHasATurn(wait), 128);
}

TEST(BudgetTest, JoinsOfWhatHasFinishedYieldAfter128OfThem) {
  testing::Simulator sim;
  auto nothing = []() -> Task<> { co_return; };
  JoinHandle<void> finished = sim.SpawnJoinable(nothing());
  sim.RunUntilIdle();
  auto join = [&]() -> Task<absl::Status> {
    absl::Status joined = co_await finished.Join();
    co_return joined;
  };

  EXPECT_EQ(tests::TimesBeforeAnotherHasATurn(join), 128);
}

TEST(BudgetTest, IsFreshAfterEachTurn) {
  testing::Simulator sim;
  int sibling_turns = 0;
  auto sibling = [](int& turns) -> Task<> {
    for (;;) {
      ++turns;
      co_await Yield();
    }
  };
  auto run = [&]() -> Task<> {
    reactor::SourceHandle source = co_await OpenSource();
    sim.Spawn(sibling(sibling_turns));
    for (int i = 0; i < 128 * 10; ++i) {
      absl::Status status = co_await Operate(*source);
      EXPECT_TRUE(status.ok());
    }
  };

  EXPECT_TRUE(sim.Run(run()).ok());

  EXPECT_GE(sibling_turns, 9);
  EXPECT_LE(sibling_turns, 11);
}

TEST(BudgetTest, AnOperationThatYieldsStillNoticesItsCancellation) {
  testing::Simulator sim;
  int done = 0;
  auto run = [&]() -> Task<absl::Status> {
    reactor::SourceHandle source = co_await OpenSource();
    for (;;) {
      absl::Status status = co_await Operate(*source);
      if (!status.ok()) co_return status;
      ++done;
    }
  };
  JoinHandle<absl::Status> operating = sim.SpawnJoinable(run());
  auto cancel = [&]() -> Task<> {
    operating.Cancel();
    co_return;
  };

  sim.Spawn(cancel());
  sim.RunUntilIdle();

  ASSERT_TRUE(operating.finished());
  EXPECT_EQ(operating.BlockingJoin(), CancelledError());
  EXPECT_EQ(done, 128);
}

// --- The LIFO slot ----------------------------------------------------------

// A wait that another task ends: the smallest leaf there is.
class Gate final : public Leaf {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(Continuation caller) noexcept {
    Prepare(caller);
    closed_ = Publish();
    return closed_;
  }
  void await_resume() const noexcept {}

  // True: somebody waited, and is woken.
  bool Open() noexcept {
    if (!std::exchange(closed_, false)) return false;
    Schedule();
    return true;
  }

  void Cancel() noexcept override { Open(); }
  WaitDescription Describe() const noexcept override { return {"gate"}; }

 private:
  bool closed_ = false;
};

TEST(LifoSlotTest, TwoTasksThatWakeEachOtherDoNotStarveTheQueue) {
  testing::Simulator sim;
  std::array<Gate, 2> gates;
  int passes = 0;
  int passes_before_third = -1;
  auto player = [&](int self) -> Task<> {
    while (passes < 1000) {
      ++passes;
      gates[1 - self].Open();
      co_await gates[self];
    }
    gates[1 - self].Open();
  };
  auto third = [&]() -> Task<> {
    passes_before_third = passes;
    co_return;
  };

  sim.Spawn(player(0));
  sim.Spawn(player(1));
  sim.Spawn(third());
  sim.RunUntilIdle();

  EXPECT_EQ(passes, 1000);
  EXPECT_GE(passes_before_third, 2);
  // Each player's first turn, and three that jumped the queue.
  EXPECT_LE(passes_before_third, 5);
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(LifoSlotTest, WhatWasJustWokenRunsBeforeWhatHasWaitedItsTurn) {
  testing::Simulator sim;
  Gate gate;
  std::vector<std::string> log;
  auto sleeper = [&]() -> Task<> {
    co_await gate;
    log.push_back("woken");
  };
  auto waker = [&]() -> Task<> {
    gate.Open();
    co_await Yield();
    log.push_back("waker");
  };
  auto queued = [&]() -> Task<> {
    log.push_back("queued");
    co_return;
  };

  sim.Spawn(sleeper());
  sim.Spawn(waker());
  sim.Spawn(queued());
  sim.RunUntilIdle();

  EXPECT_THAT(log, ElementsAre("woken", "queued", "waker"));
}

}  // namespace
}  // namespace weft
