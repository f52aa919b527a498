// Tests of what dies with a runtime: tasks that are suspended in every kind of
// wait, when nobody will ever resume them.
//
// A Simulator that is destroyed is a runtime that stopped. Every local must die
// once, and whoever waits must die before what it waits for: the leaf first.
// The address sanitizer says whether a frame was left over, or touched again.
//
// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/internal/frame_pool.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::Census;
using tests::Counted;
using tests::Journal;
using tests::Mourned;

// Sleeps for ever, with a local.
Task<absl::Status> Sleep(Journal& journal, std::string name) {
  Mourned local(journal, std::move(name));
  absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
  journal.push_back("never");
  co_return slept;
}

// Awaits `inner`, with locals around it.
template <typename Inner>
Task<> Hold(Journal& journal, Inner inner) {
  Mourned outer(journal, "outer");
  Mourned local(journal, "inner");
  static_cast<void>(co_await inner());
  journal.push_back("never");
}

// Runs `task` until everything waits, and stops the runtime.
template <typename T>
void RunAndStop(Task<T> task) {
  testing::Simulator sim;
  sim.Spawn(std::move(task));
  sim.RunFor(absl::Minutes(1));
  EXPECT_TRUE(sim.AnyTasks());
}

// As RunAndStop, with a cancellation on the way that does not end the task.
template <typename T>
void CancelAndStop(Task<T> task) {
  testing::Simulator sim;
  JoinHandle<T> handle = sim.SpawnJoinable(std::move(task));
  handle.Cancel();
  sim.RunFor(absl::Minutes(1));
  EXPECT_TRUE(sim.AnyTasks());
}

TEST(TeardownTest, ATaskThatNeverBegan) {
  Census census;
  auto take = [](Counted) -> Task<> { co_return; };
  {
    testing::Simulator sim;
    sim.Spawn(take(Counted(census)));
    sim.Spawn(take, Counted(census));
    EXPECT_GE(census.alive(), 2);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(TeardownTest, ASleep) {
  Journal journal;

  RunAndStop(Hold(journal, [&] { return Sleep(journal, "leaf"); }));

  EXPECT_THAT(journal, ElementsAre("leaf", "inner", "outer"));
}

TEST(TeardownTest, ASleepWhoseTimerHasFired) {
  Journal journal;
  auto nap = [&]() -> Task<> {
    Mourned local(journal, "napper");
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    journal.push_back(slept.ok() ? "never" : "never at all");
  };
  {
    testing::Simulator sim;
    sim.Spawn(nap());
    ASSERT_TRUE(sim.RunOneStep());  // It begins to sleep.
    ASSERT_TRUE(sim.RunOneStep());  // Its timer fires: it is queued.
  }
  EXPECT_THAT(journal, ElementsAre("napper"));
}

TEST(TeardownTest, ACancelledSleepThatHasNotGoneOn) {
  Journal journal;
  {
    testing::Simulator sim;
    JoinHandle<absl::Status> task =
        sim.SpawnJoinable(Sleep(journal, "sleeper"));
    sim.RunFor(absl::Seconds(1));
    task.Cancel();
  }
  EXPECT_THAT(journal, ElementsAre("sleeper"));
}

TEST(TeardownTest, AYield) {
  Journal journal;
  auto spin = [&]() -> Task<> {
    Mourned local(journal, "spinner");
    for (;;) co_await Yield();
  };
  {
    testing::Simulator sim;
    sim.Spawn(Hold(journal, spin));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(sim.RunOneStep());
  }
  EXPECT_THAT(journal, ElementsAre("spinner", "inner", "outer"));
}

TEST(TeardownTest, AYieldInASeededOrder) {
  Journal journal;
  auto spin = [&]() -> Task<> {
    Mourned local(journal, "spinner");
    for (;;) co_await Yield();
  };
  {
    testing::Simulator sim(/*seed=*/1);
    sim.Spawn(spin());
    sim.Spawn(spin());
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(sim.RunOneStep());
  }
  EXPECT_THAT(journal, ElementsAre("spinner", "spinner"));
}

TEST(TeardownTest, AJoinAndTheTaskThatIsJoined) {
  Journal journal;
  auto join = [&]() -> Task<> {
    Mourned local(journal, "joiner");
    JoinHandle<absl::Status> child = Spawn(Sleep(journal, "joined"));
    absl::Status joined = co_await child.Join();
    journal.push_back(joined.ok() ? "never" : "never at all");
  };

  RunAndStop(join());

  EXPECT_THAT(journal, UnorderedElementsAre("joiner", "joined"));
}

// A joiner in the runtime of its task goes on at once; one elsewhere is queued.
TEST(TeardownTest, AJoinWhoseTaskHasJustFinished) {
  Journal journal;
  auto child = [&]() -> Task<> {
    Mourned local(journal, "joined");
    co_return;
  };
  auto join = [&](JoinHandle<void> handle) -> Task<> {
    Mourned local(journal, "joiner");
    absl::Status joined = co_await handle.Join();
    journal.push_back(joined.ok() ? "never" : "never at all");
  };
  {
    testing::Simulator other;
    testing::Simulator sim;
    sim.Spawn(join(other.SpawnJoinable(child())));
    ASSERT_TRUE(sim.RunOneStep());    // It joins.
    ASSERT_TRUE(other.RunOneStep());  // The child ends and wakes it.
  }
  EXPECT_THAT(journal, ElementsAre("joined", "joiner"));
}

TEST(TeardownTest, AScopeItsBodyAndItsChildren) {
  Journal journal;
  auto scope = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(journal, "child"));
      scope.Spawn(Sleep, std::ref(journal), "child with a closure");
      absl::Status slept = co_await Sleep(journal, "body");
      co_return slept;
    });
  };

  RunAndStop(Hold(journal, scope));

  ASSERT_EQ(journal.size(), 5u);
  EXPECT_THAT(std::vector(journal.begin(), journal.begin() + 3),
              UnorderedElementsAre("child", "child with a closure", "body"));
  EXPECT_EQ(journal[3], "inner");
  EXPECT_EQ(journal[4], "outer");
}

TEST(TeardownTest, AScopeWhoseBodyHasEnded) {
  Journal journal;
  auto scope = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithScope([&](Scope& scope) -> Task<int> {
      Mourned local(journal, "body");
      scope.Spawn(Sleep(journal, "child"));
      co_return 7;
    });
  };

  RunAndStop(Hold(journal, scope));

  EXPECT_THAT(journal, ElementsAre("body", "child", "inner", "outer"));
}

TEST(TeardownTest, AScopeWithAChildThatNeverBegan) {
  Census census;
  auto take = [](Counted) -> Task<> { co_return; };
  auto scope = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(take, Counted(census));
      scope.Spawn(take(Counted(census)));
      for (;;) co_await Yield();
    });
  };
  {
    testing::Simulator sim;
    sim.Spawn(scope());
    ASSERT_TRUE(sim.RunOneStep());
    EXPECT_GE(census.alive(), 2);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(TeardownTest, AFork) {
  Journal journal;
  auto fork = [&]() -> Task<> {
    co_await WhenAll(Sleep(journal, "first"), Sleep(journal, "second"));
  };

  RunAndStop(Hold(journal, fork));

  EXPECT_THAT(journal, ElementsAre("first", "second", "inner", "outer"));
}

TEST(TeardownTest, AForkWithBranchesThatHaveEndedAndThatHaveNotBegun) {
  Journal journal;
  Census census;
  auto give = [](Counted given) -> Task<Counted> { co_return given; };
  auto spin = [&]() -> Task<> {
    Mourned local(journal, "spinner");
    for (;;) co_await Yield();
  };
  auto fork = [&]() -> Task<> {
    co_await WhenAll(give(Counted(census)), spin(), give(Counted(census)));
  };
  {
    testing::Simulator sim;
    sim.Spawn(Hold(journal, fork));
    ASSERT_TRUE(sim.RunOneStep());  // Up to the yield; the rest is queued.
    EXPECT_GE(census.alive(), 2);
  }
  EXPECT_THAT(journal, ElementsAre("spinner", "inner", "outer"));
  EXPECT_EQ(census.alive(), 0);
}

// Nobody has been told of these forks: none of their branches has waited.
TEST(TeardownTest, ForksInForksWhoseBranchesYield) {
  Journal journal;
  Census census;
  auto spin = [&]() -> Task<> {
    Mourned local(journal, "spinner");
    for (;;) co_await Yield();
  };
  auto give = [](Counted given) -> Task<Counted> { co_return given; };
  auto inner = [&]() -> Task<> {
    Mourned local(journal, "inner fork");
    co_await WhenAll(spin(), give(Counted(census)));
  };
  auto fork = [&]() -> Task<> { co_await WhenAll(inner(), inner()); };
  for (int steps = 1; steps < 10; ++steps) {
    journal.clear();
    {
      testing::Simulator sim;
      sim.Spawn(Hold(journal, fork));
      for (int i = 0; i < steps; ++i) ASSERT_TRUE(sim.RunOneStep());
    }
    EXPECT_EQ(journal.front(), "spinner");
    EXPECT_EQ(journal[1], "inner fork");
    EXPECT_EQ(journal.back(), "outer");
    EXPECT_EQ(census.alive(), 0);
  }
}

TEST(TeardownTest, AForkOfAVector) {
  Journal journal;
  auto fork = [&]() -> Task<> {
    std::vector<Task<absl::Status>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(Sleep(journal, "branch"));
    static_cast<void>(co_await WhenAll(std::move(tasks)));
  };

  RunAndStop(Hold(journal, fork));

  EXPECT_EQ(journal.size(), 102u);
  EXPECT_EQ(journal.back(), "outer");
}

TEST(TeardownTest, ARaceWhoseLoserCleansUp) {
  Journal journal;
  auto win = [&]() -> Task<> {
    Mourned local(journal, "winner");
    co_await Yield();
  };
  auto lose = [&]() -> Task<> {
    Mourned local(journal, "loser");
    static_cast<void>(co_await Shield(Sleep(journal, "clean-up")));
  };
  auto race = [&]() -> Task<> {
    static_cast<void>(co_await WhenAny(win(), lose()));
  };

  RunAndStop(Hold(journal, race));

  EXPECT_THAT(journal,
              ElementsAre("winner", "clean-up", "loser", "inner", "outer"));
}

TEST(TeardownTest, ADeadline) {
  Journal journal;
  auto deadline = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(absl::Hours(1), Sleep(journal, "leaf"));
  };

  RunAndStop(Hold(journal, deadline));

  EXPECT_THAT(journal, ElementsAre("leaf", "inner", "outer"));
}

TEST(TeardownTest, ADeadlineThatHasPassed) {
  Journal journal;
  auto clean_up = [&]() -> Task<absl::Status> {
    Mourned local(journal, "child");
    co_return co_await Shield(Sleep(journal, "clean-up"));
  };
  auto deadline = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(absl::Seconds(1), clean_up());
  };

  RunAndStop(Hold(journal, deadline));

  EXPECT_THAT(journal, ElementsAre("clean-up", "child", "inner", "outer"));
}

TEST(TeardownTest, AShield) {
  Journal journal;
  auto shield = [&]() -> Task<absl::Status> {
    co_return co_await Shield(Sleep(journal, "leaf"));
  };

  RunAndStop(Hold(journal, shield));

  EXPECT_THAT(journal, ElementsAre("leaf", "inner", "outer"));
}

TEST(TeardownTest, AnAsynchronousGeneratorAndItsConsumer) {
  Journal journal;
  auto generate = [&]() -> AsyncGenerator<int> {
    Mourned local(journal, "generator");
    co_yield 1;
    static_cast<void>(co_await Sleep(journal, "leaf"));
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> numbers = generate();
    while (co_await numbers.Next()) {
    }
  };

  RunAndStop(Hold(journal, consume));

  EXPECT_THAT(journal, ElementsAre("leaf", "generator", "inner", "outer"));
}

// A resource whose release waits for ever.
class Lease {
 public:
  explicit Lease(Journal& journal) : journal_(journal) {}

  Task<absl::Status> Release() { return Sleep(journal_, "release"); }

 private:
  Journal& journal_;
};

TEST(TeardownTest, ARelease) {
  Journal journal;
  auto use = [&]() -> Task<absl::Status> {
    co_return co_await Using(Lease(journal), [&](Lease&) -> Task<absl::Status> {
      Mourned local(journal, "body");
      co_return absl::OkStatus();
    });
  };

  RunAndStop(Hold(journal, use));

  EXPECT_THAT(journal, ElementsAre("body", "release", "inner", "outer"));
}

// An OrReturn is a step between the wait and its coroutine.
TEST(TeardownTest, AnOrReturn) {
  Journal journal;
  auto middle = [&]() -> Task<absl::Status> {
    Mourned local(journal, "middle");
    co_await OrReturn(Sleep(journal, "leaf"));
    co_return absl::OkStatus();
  };
  auto top = [&]() -> Task<absl::Status> {
    co_await OrReturn(WithTimeout(absl::Hours(1), middle()));
    co_return absl::OkStatus();
  };

  RunAndStop(Hold(journal, top));

  EXPECT_THAT(journal, ElementsAre("leaf", "middle", "inner", "outer"));
}

// --- In a task that was cancelled before it began to wait ---

TEST(TeardownTest, AShieldInACancelledTask) {
  Journal journal;
  auto shield = [&]() -> Task<absl::Status> {
    co_return co_await Shield(Sleep(journal, "leaf"));
  };

  CancelAndStop(Hold(journal, shield));

  EXPECT_THAT(journal, ElementsAre("leaf", "inner", "outer"));
}

// Each of these waits began in a cancelled scope, and has a shield at its end.
TEST(TeardownTest, EveryKindOfScopeInACancelledTask) {
  Journal journal;
  auto shield = [&](std::string name) -> Task<absl::Status> {
    Mourned local(journal, name);
    co_return co_await Shield(Sleep(journal, name + "'s leaf"));
  };
  auto timed = [&]() -> Task<absl::Status> {
    Mourned local(journal, "deadline");
    co_return co_await WithTimeout(absl::Hours(1), shield("branch"));
  };
  auto forked = [&]() -> Task<> {
    Mourned local(journal, "fork");
    co_await WhenAll(timed());
  };
  auto scoped = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      Mourned local(journal, "body");
      scope.Spawn(shield("child"));
      co_await forked();
    });
  };

  CancelAndStop(Hold(journal, scoped));

  EXPECT_THAT(journal,
              ElementsAre("child's leaf", "child", "branch's leaf", "branch",
                          "deadline", "fork", "body", "inner", "outer"));
}

constexpr int kMillion = 1'000'000;

Task<absl::Status> DiveAndSleep(int depth, Census& census) {
  const Counted local(census);
  if (depth > 0) co_return co_await DiveAndSleep(depth - 1, census);
  co_return co_await SleepFor(absl::InfiniteDuration());
}

TEST(TeardownTest, AMillionNestedTasksBehindAShieldInACancelledTask) {
  Census census;
  auto shield = [&]() -> Task<absl::Status> {
    co_return co_await Shield(DiveAndSleep(kMillion, census));
  };

  CancelAndStop(shield());

  EXPECT_EQ(census.made, kMillion + 1);
  EXPECT_EQ(census.alive(), 0);
}

Task<> YieldForEver() {
  for (;;) co_await Yield();
}

Task<> DiveAndYield(int depth, Census& census) {
  const Counted local(census);
  if (depth == 0) co_await YieldForEver();
  if (depth > 0) co_await DiveAndYield(depth - 1, census);
}

// Nobody has been told of this fork when the runtime stops: no branch waits.
TEST(TeardownTest, AMillionNestedTasksInABranchThatYields) {
  Census census;
  auto fork = [&]() -> Task<> {
    co_await WhenAll(DiveAndYield(kMillion, census), DiveAndYield(0, census));
  };
  {
    testing::Simulator sim;
    sim.Spawn(fork());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(sim.RunOneStep());
    EXPECT_EQ(census.alive(), kMillion + 2);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(TeardownTest, AHundredThousandSpawnedTasks) {
  constexpr int kTasks = 100'000;
  Census census;
  {
    testing::Simulator sim;
    for (int i = 0; i < kTasks; ++i) {
      sim.Spawn(DiveAndSleep(2, census));
    }
    sim.RunFor(absl::Seconds(1));
    EXPECT_EQ(census.alive(), 3 * kTasks);
  }
  EXPECT_EQ(census.alive(), 0);
}

// --- Destructors that do something ---

// Cancels what its owner's siblings do when it dies.
struct CancelOnDeath {
  Scope& scope;
  ~CancelOnDeath() { scope.Cancel(); }
};

TEST(TeardownTest, ADestructorMayWakeTheSiblingsInItsScope) {
  Journal journal;
  auto child = [&](Scope& scope) -> Task<> {
    const CancelOnDeath cancel{scope};
    static_cast<void>(co_await Sleep(journal, "child"));
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      for (int i = 0; i < 3; ++i) scope.Spawn(child(scope));
      absl::Status slept = co_await Sleep(journal, "body");
      co_return slept;
    });
  };

  RunAndStop(main());

  EXPECT_THAT(journal, ElementsAre("child", "child", "child", "body"));
}

TEST(TeardownTest, ADestructorMayWakeTheOtherBranchesOfItsFork) {
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      auto branch = [&]() -> Task<> {
        const CancelOnDeath cancel{scope};
        static_cast<void>(co_await Sleep(journal, "branch"));
      };
      co_await WhenAll(branch(), branch(), branch());
    });
  };

  RunAndStop(main());

  EXPECT_THAT(journal, ElementsAre("branch", "branch", "branch"));
}

TEST(TeardownTest, ADestructorMayDropTheHandleOfAnotherTask) {
  Journal journal;
  auto child = [&](Journal& into) -> Task<> {
    Mourned local(into, "holder");
    JoinHandle<absl::Status> held = Spawn(Sleep(into, "held"));
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  };
  auto main = [&]() -> Task<> {
    co_await WhenAll(child(journal), child(journal));
  };

  RunAndStop(main());

  EXPECT_THAT(journal,
              UnorderedElementsAre("holder", "held", "holder", "held"));
}

TEST(TeardownTest, ADestructorOfTheBodyMayCancelItsScope) {
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      const CancelOnDeath cancel{scope};
      scope.Spawn(Sleep(journal, "child"));
      absl::Status slept = co_await Sleep(journal, "body");
      co_return slept;
    });
  };

  RunAndStop(main());

  EXPECT_THAT(journal, ElementsAre("child", "body"));
}

// Spawns its farewell when it dies.
struct SpawnOnDeath {
  Journal& journal;
  ~SpawnOnDeath() { Spawn(Sleep(journal, "farewell")).Detach(); }
};

TEST(TeardownTest, ADestructorMaySpawnATaskThatNeverBegins) {
  Journal journal;
  auto main = [&]() -> Task<> {
    const SpawnOnDeath spawn{journal};
    static_cast<void>(co_await Sleep(journal, "sleeper"));
  };

  RunAndStop(main());

  // Its coroutine never ran, so there was no local to mourn.
  EXPECT_THAT(journal, ElementsAre("sleeper"));
}

// As SpawnOnDeath, into the scope it lives in.
struct SpawnIntoScopeOnDeath {
  Scope& scope;
  Counted counted;
  ~SpawnIntoScopeOnDeath() {
    scope.Spawn([kept = Counted(counted)]() -> Task<> { co_return; });
  }
};

TEST(TeardownTest, WhatADestructorSpawnsIntoItsScopeDiesWithIt) {
  Census census;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      const SpawnIntoScopeOnDeath spawn{scope, Counted(census)};
      absl::Status slept = co_await Sleep(journal, "sleeper");
      co_return slept;
    });
  };

  RunAndStop(main());

  EXPECT_GE(census.made, 2);
  EXPECT_EQ(census.alive(), 0);
}

}  // namespace
}  // namespace weft
