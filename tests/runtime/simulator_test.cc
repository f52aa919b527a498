// Tests of weft::testing::Simulator: its clock, its order, its end.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/testing/simulator.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Journal;
using tests::Mourned;

Task<absl::Status> Sleep(absl::Duration duration) {
  absl::Status slept = co_await SleepFor(duration);
  co_return slept;
}

// --- Results ----------------------------------------------------------------

TEST(SimulatorTest, GivesTheResultOfTheTaskItRuns) {
  Simulator sim;
  auto give = []() -> Task<int> { co_return 7; };
  auto fail = []() -> Task<absl::Status> {
    co_return absl::NotFoundError("nowhere");
  };
  auto nothing = []() -> Task<> { co_return; };

  EXPECT_EQ(sim.Run(give()), absl::StatusOr<int>(7));
  EXPECT_EQ(sim.Run(fail()), absl::NotFoundError("nowhere"));
  EXPECT_EQ(sim.Run(nothing()), absl::OkStatus());
}

TEST(SimulatorTest, ThrowsWhatEscapesFromTheTaskItRuns) {
  Simulator sim;
  auto fail = []() -> Task<> {
    co_await Yield();
    throw std::runtime_error("thrown");
  };

  EXPECT_THROW(static_cast<void>(sim.Run(fail())), std::runtime_error);
}

TEST(SimulatorTest, RunsNothingByItself) {
  Simulator sim;
  bool ran = false;
  auto run = [](bool& ran) -> Task<> {
    ran = true;
    co_return;
  };

  sim.Spawn(run(ran));
  EXPECT_FALSE(ran);
  sim.RunUntilIdle();

  EXPECT_TRUE(ran);
}

TEST(SimulatorTest, KeepsTheArgumentsOfASpawnedFunctionAlive) {
  Simulator sim;
  std::string seen;
  // A capturing lambda: the closure lives as long as its coroutine.
  auto body = [&seen, prefix = std::string("a prefix of some length ")](
                  const std::string& rest) -> Task<> {
    co_await Yield();
    seen = prefix + rest;
  };

  sim.Spawn(body, std::string("and a rest of some length"));
  sim.RunUntilIdle();

  EXPECT_EQ(seen, "a prefix of some length and a rest of some length");
}

TEST(SimulatorTest, BindsItsThreadOnlyWhileItRuns) {
  Simulator sim;
  bool inside = false;
  auto ask = [](bool& inside) -> Task<> {
    inside = InsideRuntime();
    co_return;
  };

  EXPECT_FALSE(InsideRuntime());
  EXPECT_TRUE(sim.Run(ask(inside)).ok());

  EXPECT_TRUE(inside);
  EXPECT_FALSE(InsideRuntime());
}

// --- Time -------------------------------------------------------------------

TEST(SimulatorTest, TimeStandsStillWhileAnythingCanRun) {
  Simulator sim;
  const Instant begin = sim.now();
  auto busy = []() -> Task<absl::Duration> {
    const Instant first = Now();
    for (int i = 0; i < 10'000; ++i) co_await Yield();
    co_return Now() - first;
  };
  sim.Spawn(Sleep(absl::Nanoseconds(1)));

  EXPECT_EQ(*sim.Run(busy()), absl::ZeroDuration());
  EXPECT_EQ(sim.now(), begin);
}

TEST(SimulatorTest, AYearPassesInNoTime) {
  Simulator sim;
  const Instant begin = sim.now();

  EXPECT_TRUE(sim.Run(Sleep(absl::Hours(24 * 365))).ok());

  EXPECT_GE(sim.now() - begin, absl::Hours(24 * 365));
}

TEST(SimulatorTest, TasksAndTheOneWhoRunsThemReadTheSameClock) {
  Simulator sim;
  auto read = []() -> Task<Instant> {
    static_cast<void>(co_await SleepFor(absl::Seconds(5)));
    co_return Now();
  };

  const Instant seen_inside = *sim.Run(read());

  EXPECT_EQ(seen_inside, sim.now());
}

// Does something every so often, for a while, whatever the tasks do.
class Metronome final : public SimulatedSystem {
 public:
  Instant NextEvent() const override {
    return beats.size() < 3 ? next_ : Instant::InfiniteFuture();
  }
  bool RunEvents() override {
    if (NextEvent() > now()) return false;
    beats.push_back(now());
    next_ = now() + absl::Nanoseconds(1'001);
    return true;
  }

  std::vector<Instant> beats;

 private:
  Instant next_ = now() + absl::Nanoseconds(1);
};

TEST(SimulatorTest, TheClockStopsWhereverTheWorldDoesSomething) {
  Metronome system;
  Simulator sim({.system = &system});
  const Instant begin = sim.now();

  EXPECT_TRUE(sim.Run(Sleep(absl::Seconds(1))).ok());

  EXPECT_THAT(system.beats, ElementsAre(begin + absl::Nanoseconds(1),
                                        begin + absl::Nanoseconds(1'002),
                                        begin + absl::Nanoseconds(2'003)));
  EXPECT_GE(sim.now() - begin, absl::Seconds(1));
}

TEST(SimulatorTest, RunForGoesNoFurtherThanItIsTold) {
  Metronome system;
  Simulator sim({.system = &system});

  sim.RunFor(absl::Nanoseconds(1'001));
  const std::size_t beats = system.beats.size();
  sim.RunFor(absl::Nanoseconds(1));

  EXPECT_EQ(beats, 1u);
  EXPECT_EQ(system.beats.size(), 2u);
}

TEST(SimulatorTest, RunForLetsExactlyThatMuchTimePass) {
  Simulator sim;
  const Instant begin = sim.now();
  JoinHandle<absl::Status> shorter = sim.SpawnJoinable(Sleep(absl::Seconds(9)));
  JoinHandle<absl::Status> longer = sim.SpawnJoinable(Sleep(absl::Seconds(11)));

  sim.RunFor(absl::Seconds(10));

  EXPECT_EQ(sim.now() - begin, absl::Seconds(10));
  EXPECT_TRUE(shorter.finished());
  EXPECT_FALSE(longer.finished());
  sim.RunFor(absl::Seconds(2));
  EXPECT_TRUE(longer.finished());
  EXPECT_EQ(sim.now() - begin, absl::Seconds(12));
}

TEST(SimulatorTest, RunForLetsTimePassWhereThereIsNothingToDo) {
  Simulator sim;
  const Instant begin = sim.now();

  sim.RunFor(absl::Milliseconds(1));

  EXPECT_EQ(sim.now() - begin, absl::Milliseconds(1));
}

TEST(SimulatorTest, RunUntilIdleFollowsEveryTimerAndLeavesWhatWaitsForEver) {
  Simulator sim;
  JoinHandle<absl::Status> sleeper = sim.SpawnJoinable(Sleep(absl::Hours(1)));
  JoinHandle<absl::Status> stuck =
      sim.SpawnJoinable(Sleep(absl::InfiniteDuration()));

  sim.RunUntilIdle();

  EXPECT_TRUE(sleeper.finished());
  EXPECT_FALSE(stuck.finished());
}

TEST(SimulatorTest, UsesTheSystemItIsGiven) {
  class CountingSystem final : public SimulatedSystem {
   public:
    int clock_gettime(clockid_t clock, timespec* now) override {
      ++clock_reads;
      return SimulatedSystem::clock_gettime(clock, now);
    }
    int clock_reads = 0;
  };
  CountingSystem system;
  Simulator sim(SimulatorOptions{.seed = std::nullopt, .system = &system});
  const int before = system.clock_reads;

  static_cast<void>(sim.now());

  EXPECT_EQ(system.clock_reads, before + 1);
}

// --- The order --------------------------------------------------------------

constexpr int kTasks = 12;

// What twelve tasks note that yield and sleep and yield again.
std::vector<int> OrderOf(Simulator& sim) {
  std::vector<int> order;
  auto note = [](int self, std::vector<int>& order) -> Task<> {
    order.push_back(self);
    co_await Yield();
    order.push_back(self);
    static_cast<void>(co_await SleepFor(absl::Seconds(1)));
    order.push_back(self);
  };
  for (int i = 0; i < kTasks; ++i) sim.Spawn(note(i, order));
  sim.RunUntilIdle();
  return order;
}

TEST(SimulatorTest, RepeatsTheScheduleOfASeed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Simulator first(seed);
    Simulator second(seed);

    EXPECT_EQ(OrderOf(first), OrderOf(second)) << "seed " << seed;
  }
}

TEST(SimulatorTest, RunsEveryTaskWhateverTheSeed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Simulator sim(seed);

    EXPECT_EQ(OrderOf(sim).size(), 3 * kTasks) << "seed " << seed;
    EXPECT_FALSE(sim.AnyTasks()) << "seed " << seed;
  }
}

TEST(SimulatorTest, HasAnotherScheduleForEachSeed) {
  std::set<std::vector<int>> schedules;

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Simulator sim(seed);
    schedules.insert(OrderOf(sim));
  }

  EXPECT_EQ(schedules.size(), 20);
}

TEST(SimulatorTest, WithoutASeedKeepsTheOrderOfTheQueue) {
  Simulator sim;
  std::vector<int> in_order(kTasks);
  for (int i = 0; i < kTasks; ++i) in_order[i] = i;

  const std::vector<int> order = OrderOf(sim);

  ASSERT_EQ(order.size(), 3 * kTasks);
  EXPECT_EQ(std::vector<int>(order.begin(), order.begin() + kTasks), in_order);
  EXPECT_EQ(
      std::vector<int>(order.begin() + kTasks, order.begin() + 2 * kTasks),
      in_order);
}

TEST(SimulatorTest, RunsForksInASeededOrderToo) {
  auto branch = [](int self, std::vector<int>& order) -> Task<> {
    order.push_back(self);
    co_await Yield();
    order.push_back(self);
  };
  auto fork = [&](std::vector<int>& order) -> Task<> {
    std::vector<Task<>> branches;
    for (int i = 0; i < kTasks; ++i) branches.push_back(branch(i, order));
    co_await WhenAll(std::move(branches));
  };
  std::set<std::vector<int>> schedules;

  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<int> first_order;
    std::vector<int> second_order;
    Simulator first(seed);
    Simulator second(seed);
    EXPECT_TRUE(first.Run(fork(first_order)).ok());
    EXPECT_TRUE(second.Run(fork(second_order)).ok());
    EXPECT_EQ(first_order, second_order) << "seed " << seed;
    EXPECT_EQ(first_order.size(), 2 * kTasks);
    schedules.insert(first_order);
  }

  EXPECT_GT(schedules.size(), 5);
}

// --- Cancelling and ending --------------------------------------------------

TEST(SimulatorTest, KnowsWhetherAnyTaskIsLeft) {
  Simulator sim;
  EXPECT_FALSE(sim.AnyTasks());
  sim.Spawn(Sleep(absl::Seconds(1)));

  EXPECT_TRUE(sim.AnyTasks());
  sim.RunFor(absl::Milliseconds(500));
  EXPECT_TRUE(sim.AnyTasks());
  sim.RunFor(absl::Seconds(1));
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SimulatorTest, CancelAllCancelsEveryTask) {
  Simulator sim;
  std::vector<JoinHandle<absl::Status>> sleepers;
  for (int i = 0; i < 10; ++i) {
    sleepers.push_back(sim.SpawnJoinable(Sleep(absl::InfiniteDuration())));
  }
  sim.RunUntilIdle();
  JoinHandle<absl::Status> not_begun =
      sim.SpawnJoinable(Sleep(absl::InfiniteDuration()));

  sim.CancelAll();
  sim.RunUntilIdle();

  for (JoinHandle<absl::Status>& sleeper : sleepers) {
    ASSERT_TRUE(sleeper.finished());
    EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
  }
  ASSERT_TRUE(not_begun.finished());
  EXPECT_EQ(not_begun.BlockingJoin(), CancelledError());
  EXPECT_FALSE(sim.AnyTasks());
}

Task<> Wait(Journal& journal, std::string name) {
  Mourned local(journal, std::move(name));
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  journal.push_back("woke");
}

TEST(SimulatorTest, DestroysWhatIsSuspendedLeafFirst) {
  Journal journal;
  auto outer = [](Journal& journal) -> Task<> {
    Mourned local(journal, "outer");
    co_await Wait(journal, "inner");
    journal.push_back("went on");
  };

  {
    Simulator sim;
    sim.Spawn(outer(journal));
    sim.RunUntilIdle();
    EXPECT_THAT(journal, IsEmpty());
  }

  EXPECT_THAT(journal, ElementsAre("inner", "outer"));
}

TEST(SimulatorTest, DestroysTasksThatNeverBegan) {
  auto counted = std::make_shared<int>(1);
  auto hold = [](std::shared_ptr<int>) -> Task<> { co_return; };

  {
    Simulator sim;
    sim.Spawn(hold(counted));
    sim.Spawn(hold, counted);
    EXPECT_GT(counted.use_count(), 1);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

TEST(SimulatorTest, DestroysTasksThatAreQueuedToGoOn) {
  Journal journal;
  auto yield = [](Journal& journal) -> Task<> {
    Mourned local(journal, "yielder");
    for (;;) co_await Yield();
  };
  auto turn = []() -> Task<> { co_await Yield(); };

  {
    Simulator sim;
    sim.Spawn(yield(journal));
    EXPECT_TRUE(sim.Run(turn()).ok());
    EXPECT_THAT(journal, IsEmpty());
  }

  EXPECT_THAT(journal, ElementsAre("yielder"));
}

TEST(SimulatorTest, DestroysEveryPartyOfAStructuredWaitBeforeItsParent) {
  Journal journal;
  auto fork = [](Journal& journal) -> Task<> {
    Mourned local(journal, "parent");
    co_await WhenAll(Wait(journal, "branch"), Wait(journal, "branch"));
  };
  auto shield = [](Journal& journal) -> Task<> {
    Mourned local(journal, "parent");
    co_await Shield(Wait(journal, "shielded"));
  };
  auto scope = [](Journal& journal) -> Task<> {
    Mourned local(journal, "parent");
    static_cast<void>(co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Wait(journal, "child"));
      co_await Wait(journal, "body");
    }));
  };
  auto end = [&](Task<> task) {
    journal.clear();
    Simulator sim;
    sim.Spawn(std::move(task));
    sim.RunUntilIdle();
    EXPECT_THAT(journal, IsEmpty());
  };

  end(fork(journal));
  EXPECT_THAT(journal, ElementsAre("branch", "branch", "parent"));
  end(shield(journal));
  EXPECT_THAT(journal, ElementsAre("shielded", "parent"));
  end(scope(journal));
  EXPECT_THAT(journal, ElementsAre("child", "body", "parent"));
}

TEST(SimulatorTest, ADestroyedTaskWasCancelledForThoseWhoHoldItsHandle) {
  Journal journal;
  std::optional<Simulator> sim(std::in_place);
  JoinHandle<void> suspended = sim->SpawnJoinable(Wait(journal, "suspended"));
  JoinHandle<void> dropped = sim->SpawnJoinable(Wait(journal, "dropped"));
  sim->RunUntilIdle();
  JoinHandle<void> not_begun = sim->SpawnJoinable(Wait(journal, "not begun"));

  sim.reset();

  ASSERT_TRUE(suspended.finished());
  EXPECT_EQ(suspended.BlockingJoin(), CancelledError());
  ASSERT_TRUE(not_begun.finished());
  EXPECT_EQ(not_begun.BlockingJoin(), CancelledError());
  dropped.Cancel();  // Too late, and harmless.
}

TEST(SimulatorTest, DestroysATaskThatJoinsAnotherOne) {
  Journal journal;
  auto join = [](Journal& journal) -> Task<> {
    Mourned local(journal, "joiner");
    JoinHandle<void> child = Spawn(Wait(journal, "joined"));
    absl::Status status = co_await child.Join();
    journal.push_back("went on");
  };

  {
    Simulator sim;
    sim.Spawn(join(journal));
    sim.RunUntilIdle();
  }

  EXPECT_THAT(journal, ::testing::UnorderedElementsAre("joiner", "joined"));
}

}  // namespace
}  // namespace weft::testing
