// Tests of WhenAll: results and their order, exceptions, the fork deque's
// limits, and what a failing branch lets go of.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/when_all.h"

#include <array>
#include <list>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/runtime/internal/worker.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Census;
using tests::Counted;
using tests::Journal;
using tests::Mourned;

Task<int> Give(int n) { co_return n; }

Task<int> GiveAfterTurns(int turns, int n) {
  for (int i = 0; i < turns; ++i) co_await Yield();
  co_return n;
}

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

Task<> Note(Journal& journal, std::string word) {
  journal.push_back(std::move(word));
  co_return;
}

Task<int> Throw(std::string text) {
  co_await Yield();
  throw std::runtime_error(text);
}

// --- Results ---

TEST(WhenAllTest, GivesTheResultsInTheOrderOfTheArguments) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    std::tuple<int, absl::StatusOr<int>, int> all = co_await WhenAll(
        GiveAfterTurns(3, 1), GiveAfter(absl::Seconds(1), 2), Give(3));
    EXPECT_EQ(std::get<0>(all), 1);
    EXPECT_EQ(*std::get<1>(all), 2);
    EXPECT_EQ(std::get<2>(all), 3);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAllTest, GivesAVectorInTheOrderOfItsTasks) {
  testing::Simulator sim;
  auto main = []() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(GiveAfterTurns(5 - i, i));
    std::vector<int> all = co_await WhenAll(std::move(tasks));
    co_return all;
  };

  EXPECT_THAT(*sim.Run(main()), ElementsAre(0, 1, 2, 3, 4));
}

TEST(WhenAllTest, AVoidTaskGivesAMonostate) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    std::tuple<std::monostate, int> all =
        co_await WhenAll(Note(journal, "noted"), Give(7));
    EXPECT_EQ(std::get<1>(all), 7);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_THAT(journal, ElementsAre("noted"));
}

TEST(WhenAllTest, AVectorOfVoidTasksGivesNothing) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    std::vector<Task<>> tasks;
    tasks.push_back(Note(journal, "first"));
    tasks.push_back(Note(journal, "second"));
    co_await WhenAll(std::move(tasks));
    journal.push_back("both");
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_THAT(journal, ElementsAre("first", "second", "both"));
}

TEST(WhenAllTest, AnEmptyVectorDoesNotSuspend) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    Spawn(Note(journal, "another task")).Detach();
    std::vector<int> all = co_await WhenAll(std::vector<Task<int>>());
    EXPECT_TRUE(all.empty());
    journal.push_back("went on");
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("went on", "another task"));
}

TEST(WhenAllTest, TakesItsTasksOutOfWhateverKnowsItsSize) {
  testing::Simulator sim;
  auto main = []() -> Task<std::vector<int>> {
    std::list<Task<int>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(GiveAfterTurns(3 - i, i));
    std::vector<int> all = co_await WhenAll(std::move(tasks));
    std::array<Task<int>, 1> single = {Give(7)};
    std::vector<int> one = co_await WhenAll(std::move(single));
    EXPECT_THAT(one, ElementsAre(7));
    co_return all;
  };

  EXPECT_THAT(*sim.Run(main()), ElementsAre(0, 1, 2));
}

TEST(WhenAllTest, LeavesAContainerThatCanBeFilledAgain) {
  testing::Simulator sim;
  auto main = []() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    std::vector<int> all;
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(GiveAfterTurns(1, i));
      std::vector<int> one = co_await WhenAll(std::move(tasks));
      all.insert(all.end(), one.begin(), one.end());
    }
    co_return all;
  };

  EXPECT_THAT(*sim.Run(main()), ElementsAre(0, 1, 2));
}

TEST(WhenAllDeathTest, AwaitingATaskThatWasMovedFromSaysSo) {
  auto await_both = []() -> Task<> {
    std::array<Task<int>, 1> tasks = {Give(1)};
    Task<int> moved = std::move(tasks[0]);
    co_await WhenAll(std::move(tasks));
  };

  EXPECT_DEATH(
      {
        testing::Simulator sim;
        sim.Run(await_both()).IgnoreError();
      },
      "was moved from");
}

// What is no container of its own is none that tasks can be taken out of.
static_assert(internal::TasksOf<std::vector<Task<int>>, int>);
static_assert(!internal::TasksOf<std::vector<Task<int>>&, int>);
static_assert(!internal::TasksOf<const std::vector<Task<int>>, int>);
static_assert(!internal::TasksOf<std::span<Task<int>>, int>);

TEST(WhenAllTest, GivesResultsToAFunctionInTheOrderOfTheTasks) {
  testing::Simulator sim;
  auto main = []() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(GiveAfterTurns(5 - i, i));
    std::vector<int> all;
    auto take = [&all](int n) { all.push_back(n); };
    co_await WhenAll(std::move(tasks), take);
    co_return all;
  };

  EXPECT_THAT(*sim.Run(main()), ElementsAre(0, 1, 2, 3, 4));
}

TEST(WhenAllTest, AFunctionIsGivenAMonostateForEachVoidTask) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    std::vector<Task<>> tasks;
    tasks.push_back(Note(journal, "first"));
    tasks.push_back(Note(journal, "second"));
    auto take = [&](std::monostate) { journal.push_back("taken"); };
    co_await WhenAll(std::move(tasks), take);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_THAT(journal, ElementsAre("first", "second", "taken", "taken"));
}

TEST(WhenAllTest, AFunctionTakesNoResultsBehindAnException) {
  testing::Simulator sim;
  Census census;
  auto make = [](Census& into, int n) -> Task<Counted> {
    co_await Yield();
    if (n == 1) throw std::runtime_error("the second");
    co_return Counted(into, n);
  };
  std::vector<int> taken;
  auto main = [&]() -> Task<> {
    std::vector<Task<Counted>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(make(census, i));
    auto take = [&](const Counted& each) { taken.push_back(each.number()); };
    co_await WhenAll(std::move(tasks), take);
  };

  EXPECT_THROW(sim.Run(main()).IgnoreError(), std::runtime_error);
  EXPECT_THAT(taken, ElementsAre(0));
  EXPECT_EQ(census.alive(), 0) << "the third result is destroyed all the same";
}

TEST(WhenAllTest, GivesResultsThatCanOnlyBeMovedAndCannotBeMadeEmpty) {
  testing::Simulator sim;
  Census census;
  auto make = [](Census& into, int n) -> Task<Counted> {
    co_return Counted(into, n);
  };
  auto box = [](int n) -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(n);
  };
  auto main = [&]() -> Task<> {
    std::tuple<Counted, std::unique_ptr<int>> all =
        co_await WhenAll(make(census, 1), box(2));
    EXPECT_EQ(std::get<0>(all).number(), 1);
    EXPECT_EQ(*std::get<1>(all), 2);
    std::vector<Task<Counted>> tasks;
    tasks.push_back(make(census, 3));
    tasks.push_back(make(census, 4));
    std::vector<Counted> vector = co_await WhenAll(std::move(tasks));
    EXPECT_EQ(vector[0].number(), 3);
    EXPECT_EQ(vector[1].number(), 4);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_EQ(census.alive(), 0);
}

TEST(WhenAllTest, StructuredBindingsTakeTheResults) {
  testing::Simulator sim;
  auto main = []() -> Task<int> {
    auto [a, b] = co_await WhenAll(Give(40), GiveAfterTurns(1, 2));
    co_await Yield();
    co_return a + b;
  };

  EXPECT_EQ(*sim.Run(main()), 42);
}

TEST(WhenAllTest, AnErrorIsAResultAndEndsNothing) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::Status> {
    co_return absl::NotFoundError("nothing there");
  };
  auto main = [&]() -> Task<> {
    auto [failed, given] =
        co_await WhenAll(fail(), GiveAfter(absl::Hours(1), 7));
    EXPECT_EQ(failed, absl::NotFoundError("nothing there"));
    EXPECT_EQ(*given, 7);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

// --- Concurrency ---

TEST(WhenAllTest, TheFirstStartsAtOnceAndTheOthersWhileItWaits) {
  testing::Simulator sim;
  Journal journal;
  auto branch = [](Journal& into, std::string name) -> Task<> {
    into.push_back(name + " begins");
    co_await Yield();
    into.push_back(name + " ends");
  };
  auto main = [&]() -> Task<> {
    Spawn(Note(journal, "another task")).Detach();
    co_await WhenAll(branch(journal, "a"), branch(journal, "b"));
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("a begins", "b begins", "another task",
                                   "a ends", "b ends"));
}

TEST(WhenAllTest, TakesAsLongAsItsLongestTask) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<> {
    auto [a, b, c] = co_await WhenAll(GiveAfter(absl::Hours(1), 1),
                                      GiveAfter(absl::Hours(3), 2),
                                      GiveAfter(absl::Hours(2), 3));
    EXPECT_EQ(*a + *b + *c, 6);
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_GE(sim.now() - begin, absl::Hours(3));
  EXPECT_LT(sim.now() - begin, absl::Hours(4));
}

TEST(WhenAllTest, ATaskMayWaitForALaterOne) {
  testing::Simulator sim;
  auto wait = [](bool& flag) -> Task<> {
    while (!flag) co_await Yield();
  };
  auto set = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  bool flag = false;
  auto main = [&]() -> Task<> { co_await WhenAll(wait(flag), set(flag)); };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAllTest, GoesOnInTheScopeOfTheCaller) {
  testing::Simulator sim;
  auto look = [](TaskContext*& into) -> Task<> {
    into = internal::Here().context;
    co_await Yield();
  };
  auto main = [&]() -> Task<> {
    TaskContext* const own = internal::Here().context;
    TaskContext* first = nullptr;
    TaskContext* second = nullptr;
    co_await WhenAll(look(first), look(second));
    EXPECT_EQ(internal::Here().context, own);
    EXPECT_NE(first, own);
    EXPECT_NE(first, second);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

// --- Exceptions ---

TEST(WhenAllTest, AnExceptionIsThrownWhenAllHaveCompleted) {
  testing::Simulator sim;
  Journal journal;
  auto slow = [](Journal& into) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::Hours(1));
    into.push_back(slept.ok() ? "slept" : "cancelled");
  };
  auto main = [&]() -> Task<> {
    try {
      co_await WhenAll(Throw("broken"), slow(journal));
    } catch (const std::runtime_error& error) {
      journal.push_back(error.what());
    }
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("slept", "broken"));
}

TEST(WhenAllTest, OfSeveralExceptionsThatOfTheFirstArgumentIsThrown) {
  testing::Simulator sim;
  auto throw_late = []() -> Task<int> {
    absl::Status slept = co_await SleepFor(absl::Hours(1));
    throw std::runtime_error(slept.ok() ? "first argument" : "cancelled");
  };
  auto main = [&]() -> Task<std::string> {
    std::string text = "nothing thrown";
    try {
      co_await WhenAll(throw_late(), Throw("second argument"));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };

  EXPECT_EQ(*sim.Run(main()), "first argument");
}

TEST(WhenAllTest, ResultsBesideAnExceptionAreDestroyed) {
  testing::Simulator sim;
  Census census;
  auto make = [](Census& into) -> Task<Counted> { co_return Counted(into); };
  auto main = [&]() -> Task<bool> {
    bool thrown = false;
    try {
      co_await WhenAll(make(census), Throw("broken"), make(census));
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_EQ(census.alive(), 0);
    co_return thrown;
  };

  EXPECT_TRUE(*sim.Run(main()));
}

// Throws from its third move: out of the task and out of the branch it came.
class ThrowsWhenTaken {
 public:
  explicit ThrowsWhenTaken(Census& into) : counted_(into) {}
  ThrowsWhenTaken(ThrowsWhenTaken&& other)
      : counted_(std::move(other.counted_)), moves_(other.moves_ + 1) {
    if (moves_ == 3) throw std::runtime_error("not to be moved again");
  }

 private:
  Counted counted_;
  int moves_ = 0;
};

TEST(WhenAllTest, ResultsBesideOneThatCannotBeTakenAreDestroyed) {
  testing::Simulator sim;
  Census census;
  auto make = [](Census& into) -> Task<Counted> { co_return Counted(into); };
  auto make_stubborn = [](Census& into) -> Task<ThrowsWhenTaken> {
    co_return ThrowsWhenTaken(into);
  };
  auto main = [&]() -> Task<int> {
    int thrown = 0;
    try {
      co_await WhenAll(make(census), make_stubborn(census), make(census));
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    EXPECT_EQ(census.alive(), 0);
    std::vector<Task<ThrowsWhenTaken>> several;
    several.push_back(make_stubborn(census));
    several.push_back(make_stubborn(census));
    try {
      co_await WhenAll(std::move(several));
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    EXPECT_EQ(census.alive(), 0);
    co_return thrown;
  };

  EXPECT_EQ(*sim.Run(main()), 2);
}

// --- What a branch holds is gone before it is counted ---

TEST(WhenAllTest, LocalsOfABranchAreGoneBeforeTheJoinCountsIt) {
  testing::Simulator sim;
  Journal journal;
  auto branch = [](Journal& into, std::string name,
                   std::unique_ptr<Mourned>) -> Task<> {
    Mourned outer(into, name + " outer");
    Mourned inner(into, name + " inner");
    co_await Yield();
  };
  auto main = [&]() -> Task<> {
    co_await WhenAll(
        branch(journal, "a", std::make_unique<Mourned>(journal, "a argument")),
        branch(journal, "b", std::make_unique<Mourned>(journal, "b argument")));
    journal.push_back("joined");
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal,
              ElementsAre("a inner", "a outer", "a argument", "b inner",
                          "b outer", "b argument", "joined"));
}

// Holds a task that never ends by itself; letting go ends it, and then whoever
// joins it is woken. What a mutex guard is to sync/.
struct Hold {
  JoinHandle<void>& held;
  ~Hold() { held.Cancel(); }
};

Task<> SleepForEver() {
  absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
  EXPECT_TRUE(absl::IsCancelled(slept));
}

TEST(WhenAllTest, ABranchThatFailsLetsGoOfWhatItsSiblingWaitsFor) {
  auto fail_holding = [](JoinHandle<void>& resource) -> Task<absl::Status> {
    const Hold hold{resource};
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    co_await OrReturn(absl::DataLossError("while it holds"));
    co_return absl::OkStatus();
  };
  auto wait = [](JoinHandle<void>& resource) -> Task<absl::Status> {
    co_return co_await resource.Join();
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    testing::Simulator sim(seed);
    JoinHandle<void> resource = sim.SpawnJoinable(SleepForEver());
    auto main = [&]() -> Task<> {
      // The waiting sibling on both sides.
      auto [failed, waited] =
          co_await WhenAll(fail_holding(resource), wait(resource));
      EXPECT_EQ(failed, absl::DataLossError("while it holds"));
      EXPECT_TRUE(waited.ok());
    };

    EXPECT_TRUE(sim.Run(main()).ok());
  }
}

TEST(WhenAllTest, ABranchThatFailsInACalleeLetsGoInnermostFirst) {
  testing::Simulator sim;
  Journal journal;
  auto callee = [](Journal& into) -> Task<absl::Status> {
    Mourned local(into, "callee");
    co_await OrReturn(absl::DataLossError("here"));
    co_return absl::OkStatus();
  };
  auto caller = [&](Journal& into) -> Task<absl::Status> {
    Mourned local(into, "caller");
    co_await OrReturn(callee(into));
    into.push_back("never");
    co_return absl::OkStatus();
  };
  auto main = [&]() -> Task<> {
    auto [failed, noted] =
        co_await WhenAll(caller(journal), Note(journal, "sibling"));
    EXPECT_EQ(failed, absl::DataLossError("here"));
    journal.push_back("joined");
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("callee", "caller", "sibling", "joined"));
}

// --- Cancellation ---

TEST(WhenAllTest, CancellationReachesEveryTaskAndAllAreAwaited) {
  testing::Simulator sim;
  auto sleep = [](int& cancelled) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    co_await Yield();
    if (absl::IsCancelled(slept)) ++cancelled;
  };
  int cancelled = 0;
  auto main = [&]() -> Task<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(sleep(cancelled));
    co_await WhenAll(std::move(tasks));
    EXPECT_EQ(cancelled, 10);
    EXPECT_TRUE(IsCancelled());
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Seconds(1));

  task.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(task.finished());
  EXPECT_EQ(cancelled, 10);
}

TEST(WhenAllTest, InACancelledTaskTheBranchesRunAndFindOut) {
  testing::Simulator sim;
  auto ask = []() -> Task<bool> { co_return IsCancelled(); };
  auto main = [&]() -> Task<> {
    auto [slept, asked] = co_await WhenAll(GiveAfter(absl::Hours(1), 7), ask());
    EXPECT_TRUE(absl::IsCancelled(slept.status()));
    EXPECT_TRUE(asked);
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
}

TEST(WhenAllTest, AFinishedBranchIsNotTouchedByCancellation) {
  testing::Simulator sim;
  auto main = [&]() -> Task<> {
    auto [early, late] = co_await WhenAll(GiveAfter(absl::Seconds(1), 7),
                                          GiveAfter(absl::Hours(1), 8));
    EXPECT_EQ(*early, 7);
    EXPECT_TRUE(absl::IsCancelled(late.status()));
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
}

// Three levels of forks, whose eight tasks take turns until they are cancelled
// and only ask. Nothing makes them known to a canceller before they do.
Task<int> SpinUntilCancelled(int level, int& asked) {
  if (level > 0) {
    auto [a, b] = co_await WhenAll(SpinUntilCancelled(level - 1, asked),
                                   SpinUntilCancelled(level - 1, asked));
    co_return a + b;
  }
  for (++asked; !IsCancelled(); ++asked) co_await Yield();
  co_return 1;
}

TEST(WhenAllTest, ACancellationReachesBranchesThatOnlyAsk) {
  testing::Simulator sim;
  int asked = 0;
  JoinHandle<int> task = sim.SpawnJoinable(SpinUntilCancelled(3, asked));
  while (asked < 24) ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(task.BlockingJoin(), absl::StatusOr<int>(8));
}

TEST(WhenAllTest, ACancellationReachesForksThatBeginAfterIt) {
  testing::Simulator sim;
  int asked = 0;
  auto main = [&]() -> Task<int> {
    co_await Yield();
    int ended = co_await SpinUntilCancelled(3, asked);
    co_return ended;
  };
  JoinHandle<int> task = sim.SpawnJoinable(main());
  ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(task.BlockingJoin(), absl::StatusOr<int>(8));
  EXPECT_EQ(asked, 8);
}

// The inner fork is not known yet when its task is cancelled, the outer one is.
TEST(WhenAllTest, ACancellationWaitsInABranchForTheForksInsideIt) {
  testing::Simulator sim;
  auto turn_and_sleep = [](int turns) -> Task<absl::StatusOr<int>> {
    const int hours = co_await GiveAfterTurns(turns, 1);
    co_return co_await GiveAfter(absl::Hours(hours), turns);
  };
  auto inner = [&](int turns) -> Task<int> {
    auto [a, b] =
        co_await WhenAll(turn_and_sleep(turns), turn_and_sleep(turns));
    co_return absl::IsCancelled(a.status()) + absl::IsCancelled(b.status());
  };
  auto outer = [&]() -> Task<int> {
    auto [none, ten, hundred] =
        co_await WhenAll(inner(0), inner(10), inner(100));
    co_return none + ten + hundred;
  };
  JoinHandle<int> task = sim.SpawnJoinable(outer());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunFor(absl::Minutes(1));

  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.BlockingJoin(), absl::StatusOr<int>(6));
}

// --- Giving way ---

// What the watch does to a flood of forks. The look at the clock wakes three:
// all of them have their turn before the fork goes on, not only who is first.
TEST(WhenAllTest, OfAnOverdueWorkerGoesBehindAllThatItsLookAroundBrings) {
  testing::SimulatedSystem system;
  testing::Simulator sim({.system = &system});
  Journal journal;
  auto sleeper = [](Journal& journal) -> Task<> {
    static_cast<void>(co_await SleepFor(absl::Milliseconds(1)));
    journal.push_back("sleeper");
  };
  auto take_long = [](testing::SimulatedSystem& system) -> Task<> {
    system.AdvanceTo(Now() + absl::Milliseconds(2));
    internal::Here().worker->set_overdue();
    co_return;
  };
  auto flood = [&]() -> Task<> {
    co_await WhenAll(take_long(system), Note(journal, "fork"));
  };
  for (int i = 0; i < 3; ++i) sim.Spawn(sleeper(journal));

  EXPECT_TRUE(sim.Run(flood()).ok());

  EXPECT_THAT(journal, ElementsAre("sleeper", "sleeper", "sleeper", "fork"));
}

// --- Many and deep ---

TEST(WhenAllTest, MoreBranchesThanAnyQueueHolds) {
  testing::Simulator sim;
  constexpr int kBranches = 5000;
  auto main = []() -> Task<std::int64_t> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < kBranches; ++i) {
      tasks.push_back(GiveAfterTurns(i % 3, i));
    }
    std::vector<int> all = co_await WhenAll(std::move(tasks));
    co_return std::accumulate(all.begin(), all.end(), std::int64_t{0});
  };

  EXPECT_EQ(*sim.Run(main()), std::int64_t{kBranches} * (kBranches - 1) / 2);
}

// The first branch goes deeper before the second begins, so that one rest lies
// on the deque for each level.
Task<int> ForkDown(int depth) {
  if (depth == 0) co_return 1;
  auto [below, beside] = co_await WhenAll(ForkDown(depth - 1), Give(1));
  co_return below + beside;
}

TEST(WhenAllTest, DeeperThanTheForkDequeHolds) {
  testing::Simulator sim;
  constexpr int kDepth = 3 * internal::ForkDeque::kCapacity;

  EXPECT_EQ(*sim.Run(ForkDown(kDepth)), kDepth + 1);
}

TEST(WhenAllTest, AHundredThousandForksDeepOnAFlatStack) {
  testing::Simulator sim;
  constexpr int kDepth = 100'000;

  EXPECT_EQ(*sim.Run(ForkDown(kDepth)), kDepth + 1);
}

// As ForkDown, where the bottom asks whether it is cancelled, and so makes all
// forks above it known. Gives how many were cancelled.
Task<int> ForkDownAndAsk(int depth) {
  if (depth == 0) co_return IsCancelled() ? 1 : 0;
  auto [below, beside] = co_await WhenAll(ForkDownAndAsk(depth - 1), Give(0));
  co_return below + beside;
}

TEST(WhenAllTest, ACancellationGoesDownTwoHundredThousandForksOnAFlatStack) {
  testing::Simulator sim;
  JoinHandle<int> task = sim.SpawnJoinable(ForkDownAndAsk(200'000));
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_EQ(task.BlockingJoin(), absl::StatusOr<int>(1));
}

// As ForkDown, where the bottom waits for the branch that was forked last and
// the one forked first: neither may be stuck behind it.
Task<> ForkDownAndWait(int depth, int& begun, int expected) {
  auto begin = [](int& count) -> Task<> {
    ++count;
    co_return;
  };
  if (depth == 0) {
    while (begun < expected) co_await Yield();
    co_return;
  }
  co_await WhenAll(ForkDownAndWait(depth - 1, begun, expected), begin(begun));
}

TEST(WhenAllTest, ABranchMayWaitForRestsThatDidNotFitOnTheDeque) {
  testing::Simulator sim;
  constexpr int kDepth = internal::ForkDeque::kCapacity + 500;
  int begun = 0;

  EXPECT_TRUE(sim.Run(ForkDownAndWait(kDepth, begun, kDepth)).ok());

  EXPECT_EQ(begun, kDepth);
}

Task<int> Fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await WhenAll(Fib(n - 1), Fib(n - 2));
  co_return a + b;
}

TEST(WhenAllTest, ForksInForks) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(Fib(16)), 987);
}

// With waits at the leaves every fork is interrupted and joined by others.
Task<int> FibWithWaits(int n) {
  if (n < 2) {
    co_await Yield();
    co_return n;
  }
  auto [a, b] = co_await WhenAll(FibWithWaits(n - 1), FibWithWaits(n - 2));
  co_return a + b;
}

TEST(WhenAllTest, ForksInForksInEverySchedule) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    testing::Simulator sim(seed);

    EXPECT_EQ(*sim.Run(FibWithWaits(10)), 55);
  }
}

TEST(WhenAllTest, TheSameSeedIsTheSameSchedule) {
  auto record = [](std::uint64_t seed) {
    testing::Simulator sim(seed);
    Journal journal;
    auto branch = [](Journal& into, std::string name) -> Task<> {
      for (int i = 0; i < 5; ++i) {
        into.push_back(name);
        co_await Yield();
      }
    };
    auto main = [&]() -> Task<> {
      co_await WhenAll(branch(journal, "a"), branch(journal, "b"),
                       branch(journal, "c"));
    };
    EXPECT_TRUE(sim.Run(main()).ok());
    return journal;
  };

  EXPECT_EQ(record(1), record(1));
  EXPECT_NE(record(1), record(2));
}

}  // namespace
}  // namespace weft
