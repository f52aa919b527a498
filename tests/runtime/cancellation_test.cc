// Tests of cancellation: when a wait notices, what goes on, and composite
// programs that are cancelled at each of their suspensions.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/cancellation.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Census;
using tests::Counted;
using tests::Journal;

constexpr absl::Duration kHour = absl::Hours(1);

Task<absl::Status> Sleep(absl::Duration pause) {
  co_return co_await SleepFor(pause);
}

// --- Asking ---

TEST(CancellationTest, OutsideOfATaskNothingIsCancelled) {
  EXPECT_FALSE(IsCancelled());
  EXPECT_TRUE(CheckCancelled().ok());
}

TEST(CancellationTest, TheStatusOfACancelledWaitAllocatesNoMessage) {
  EXPECT_TRUE(absl::IsCancelled(CancelledError()));
  EXPECT_EQ(CancelledError().message(), "");
}

TEST(CancellationTest, IsCancelledSaysSoWithoutAnyWait) {
  testing::Simulator sim;
  int turns = 0;
  auto compute = [](int& count) -> Task<absl::Status> {
    while (!IsCancelled()) {
      ++count;
      co_await Yield();
    }
    co_return CheckCancelled();
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(compute(turns));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_EQ(turns, 5);
}

// --- When a wait notices ---

TEST(CancellationTest, BeforeTheFirstWaitItIsTheFirstWaitThatSaysSo) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  Journal journal;
  auto main = [&]() -> Task<> {
    journal.push_back("began");
    absl::Status slept = co_await SleepFor(kHour);
    journal.push_back(absl::IsCancelled(slept) ? "cancelled" : "slept");
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("began", "cancelled"));
  EXPECT_EQ(sim.now(), begin);
}

TEST(CancellationTest, AWaitThatWouldNotSuspendIsCancelledToo) {
  testing::Simulator sim;
  absl::Status ended;
  auto main = [&]() -> Task<> {
    ended = co_await SleepFor(absl::ZeroDuration());
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(ended));
}

TEST(CancellationTest, CodeRunsOnAndEveryLaterWaitIsCancelled) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  std::vector<absl::StatusCode> codes;
  auto main = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      absl::Status slept = co_await SleepFor(kHour);
      codes.push_back(slept.code());
    }
    absl::Status joined = co_await Spawn(Sleep(kHour)).Join();
    codes.push_back(joined.code());
    absl::Status blocked = co_await Blocking([] {});
    codes.push_back(blocked.code());
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(90));

  task.Cancel();
  sim.RunUntilIdle();

  using enum absl::StatusCode;
  EXPECT_THAT(codes,
              ElementsAre(kOk, kCancelled, kCancelled, kCancelled, kCancelled));
  EXPECT_LT(sim.now() - begin, 2 * kHour);
}

TEST(CancellationTest, AYieldIsATurnAndNotAWait) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    co_await Yield();
    journal.push_back(IsCancelled() ? "cancelled" : "free");
    co_await Yield();
    journal.push_back("went on");
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("cancelled", "went on"));
}

TEST(CancellationTest, ATimerThatHasWokenTheTaskIsNotTakenBack) {
  testing::Simulator sim;
  JoinHandle<absl::Status> task = sim.SpawnJoinable(Sleep(kHour));
  ASSERT_TRUE(sim.RunOneStep());  // It begins to sleep.
  ASSERT_TRUE(sim.RunOneStep());  // The clock jumps, the timer wakes it.

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(task.BlockingJoin().ok());
}

TEST(CancellationTest, ACancelledSleepIsNotWokenByItsTimer) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  JoinHandle<absl::Status> task = sim.SpawnJoinable(Sleep(kHour));
  ASSERT_TRUE(sim.RunOneStep());

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_EQ(sim.now(), begin);  // No timer was left.
}

TEST(CancellationTest, BlockingWorkThatHasNotBegunNeverDoes) {
  testing::Simulator sim;
  bool ran = false;
  auto main = [&]() -> Task<absl::Status> {
    auto work = [&ran] { ran = true; };
    co_return co_await Blocking(work);
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_FALSE(ran);
}

TEST(CancellationTest, OneTaskMayCancelAnother) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    JoinHandle<absl::Status> child = Spawn(Sleep(kHour));
    co_await Yield();
    child.Cancel();
    EXPECT_FALSE(IsCancelled());
    EXPECT_FALSE(child.finished());  // It is told, not run.
    absl::Status joined = co_await child.Join();
    EXPECT_TRUE(absl::IsCancelled(joined));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(CancellationTest, CancellingATaskDoesNotCancelTheTasksItSpawned) {
  testing::Simulator sim;
  JoinHandle<absl::Status> child;
  auto main = [&]() -> Task<absl::Status> {
    child = Spawn(Sleep(kHour));
    co_return co_await SleepFor(2 * kHour);
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_TRUE(child.BlockingJoin().ok());
}

TEST(CancellationTest, CancelAllReachesEveryTask) {
  testing::Simulator sim;
  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(sim.SpawnJoinable(Sleep(kHour)));
  sim.RunFor(absl::Minutes(1));

  sim.CancelAll();
  sim.RunFor(absl::Minutes(1));

  for (JoinHandle<absl::Status>& task : tasks) {
    ASSERT_TRUE(task.finished());
    EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  }
}

TEST(CancellationTest, GoesDownThroughEveryKindOfScope) {
  testing::Simulator sim;
  Journal journal;
  auto leaf = [](Journal& into, std::string name) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    into.push_back(name + (absl::IsCancelled(slept) ? "" : " missed"));
    co_return slept;
  };
  auto forked = [&](Journal& into) -> Task<absl::Status> {
    auto [a, b] = co_await WhenAll(leaf(into, "all a"), leaf(into, "all b"));
    co_return a.ok() ? b : a;
  };
  auto raced = [&](Journal& into) -> Task<absl::Status> {
    auto any = co_await WhenAny(leaf(into, "any"), forked(into));
    co_return std::get<0>(any.outcomes);
  };
  auto timed = [&](Journal& into) -> Task<absl::Status> {
    co_return co_await WithTimeout(kHour, raced(into));
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(timed(journal));
      co_return;
    });
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunFor(absl::Minutes(1));

  ASSERT_TRUE(task.finished());
  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_THAT(journal,
              ::testing::UnorderedElementsAre("all a", "all b", "any"));
}

// Cancels go down by calls, a few small stack frames for each scope inside
// another; nobody nests this deep by hand, and a recursion may.
TEST(CancellationTest, ReachesTheBottomOfAThousandScopes) {
  testing::Simulator sim;
  struct Nest {
    static Task<absl::Status> Down(int depth) {
      if (depth == 0) co_return co_await SleepFor(absl::InfiniteDuration());
      auto [below] = co_await WhenAll(Down(depth - 1));
      co_return below;
    }
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(Nest::Down(1000));
  sim.RunFor(absl::Seconds(1));

  task.Cancel();
  sim.RunFor(absl::Seconds(1));

  ASSERT_TRUE(task.finished());
  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

// --- At every suspension ---

// What a program works on, made anew for each run.
struct World {
  Census census;
  int acquired = 0;
  int released = 0;
  int flushed = 0;
};

// Something that must be given back, with a wait.
class Lease {
 public:
  explicit Lease(World& world) : world_(world) { ++world_.acquired; }

  Task<absl::Status> Release() {
    absl::Status slept = co_await SleepFor(absl::Milliseconds(5));
    EXPECT_TRUE(slept.ok());  // Shielded by Using.
    ++world_.released;
    co_return slept;
  }

 private:
  World& world_;
};

Task<absl::StatusOr<int>> Step(World& world, int n) {
  Counted local(world.census, n);
  co_await Yield();
  co_await OrReturn(SleepFor(absl::Milliseconds(n)));
  co_return local.number();
}

AsyncGenerator<int> Steps(World& world, int count) {
  Counted local(world.census);
  for (int i = 1; i <= count; ++i) {
    absl::StatusOr<int> step = co_await Step(world, i);
    if (!step.ok()) co_return;
    co_yield *step;
  }
}

Task<absl::Status> Flush(World& world) {
  Counted local(world.census);
  absl::Status slept = co_await SleepFor(absl::Milliseconds(3));
  EXPECT_TRUE(slept.ok());
  ++world.flushed;
  co_return slept;
}

Task<absl::StatusOr<int>> SumSteps(World& world) {
  int sum = 0;
  AsyncGenerator<int> steps = Steps(world, 3);
  while (std::optional<int> step = co_await steps.Next()) sum += *step;
  co_await OrReturn(CheckCancelled());
  co_return sum;
}

Task<absl::StatusOr<int>> ForkAndRace(World& world) {
  Counted local(world.census);
  auto [a, b] = co_await WhenAll(Step(world, 4), SumSteps(world));
  int fourth = co_await OrReturn(std::move(a));
  int sum = co_await OrReturn(std::move(b));
  auto any = co_await WhenAny(Step(world, 1), Step(world, 50));
  int first = co_await OrReturn(std::get<0>(any.outcomes));
  co_return fourth + sum + first;
}

Task<absl::StatusOr<int>> InAScope(World& world) {
  Counted local(world.census);
  int forked = 0;
  co_await OrReturn(WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(Step(world, 2));
    scope.Spawn([&world, counted = Counted(world.census)]() -> Task<> {
      absl::StatusOr<int> step = co_await Step(world, 3);
      EXPECT_TRUE(step.ok() || absl::IsCancelled(step.status()));
    });
    forked =
        co_await OrReturn(WithTimeout(absl::Seconds(10), ForkAndRace(world)));
    co_return absl::OkStatus();
  }));
  co_return forked;
}

Task<absl::StatusOr<int>> Composite(World& world) {
  Counted local(world.census);
  JoinHandle<absl::StatusOr<int>> beside = Spawn(Step(world, 5));
  absl::StatusOr<int> inside =
      co_await Using(Lease(world), [&](Lease&) -> Task<absl::StatusOr<int>> {
        absl::StatusOr<int> result = co_await InAScope(world);
        co_return result;
      });
  absl::Status flushed = co_await Shield(Flush(world));
  EXPECT_TRUE(flushed.ok());
  int joined = co_await OrReturn(beside.Join());
  int sum = co_await OrReturn(std::move(inside));
  co_return sum + joined;
}

TEST(CancellationTest, ACompositeProgramHoldsAtEverySuspensionOfManySchedules) {
  std::optional<World> world;
  auto start = [&] { return Composite(world.emplace()); };
  auto check = [&](const absl::StatusOr<int>& result,
                   const testing::Interrupted& at) {
    SCOPED_TRACE(at.step);
    // CANCELLED or the whole result, nothing else and nothing between.
    if (result.ok()) {
      EXPECT_EQ(*result, 16);
    } else {
      EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
    }
    EXPECT_TRUE(result.ok() || !at.undisturbed);
    // Clean-up happened on every way out, once, and nothing is left.
    EXPECT_EQ(world->acquired, 1);
    EXPECT_EQ(world->released, 1);
    EXPECT_EQ(world->flushed, 1);
    EXPECT_EQ(world->census.alive(), 0);
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 12}, start, check);

  ASSERT_TRUE(places.ok()) << places.status();
  // It has some dozens of suspensions; a helper that skipped them would not.
  EXPECT_GT(*places, 24);
}

// Whatever the place, exactly one of the two happened: the item was taken and
// is in the result, or it is still there.
TEST(CancellationTest, ACancelledJoinTookNothingAtWhateverSuspension) {
  std::optional<JoinHandle<int>> source;  // Dropped with its simulation.
  auto make = []() -> Task<int> {
    co_await Yield();
    co_await Yield();
    co_return 7;
  };
  auto take = [](JoinHandle<int>& from) -> Task<absl::StatusOr<int>> {
    co_await Yield();
    co_return co_await from.Join();
  };
  auto start = [&]() -> Task<absl::StatusOr<int>> {
    source.emplace(Spawn(make()));
    co_return co_await take(*source);
  };
  auto check = [&](const absl::StatusOr<int>& taken,
                   const testing::Interrupted& at) {
    if (taken.ok()) {
      EXPECT_EQ(*taken, 7) << at.step;
    } else {
      EXPECT_TRUE(absl::IsCancelled(taken.status())) << at.step;
      EXPECT_EQ(*source->BlockingJoin(), 7) << at.step;
    }
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 10}, start, check);

  EXPECT_TRUE(places.ok()) << places.status();
}

}  // namespace
}  // namespace weft
