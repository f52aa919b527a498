// Tests of Spawn and JoinHandle: results, dropped handles, closures, joins that
// are cancelled.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/spawn.h"

#include <functional>
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
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
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

Task<int> GiveAfter(absl::Duration pause, int n) {
  absl::Status slept = co_await SleepFor(pause);
  co_return slept.ok() ? n : -1;
}

Task<> Note(Journal& journal, std::string word) {
  journal.push_back(std::move(word));
  co_return;
}

// Waits for ever, and notes how that ended.
Task<> SleepAndNote(absl::Status& ended) {
  ended = co_await SleepFor(absl::InfiniteDuration());
}

Task<> Throw() {
  co_await Yield();
  throw std::runtime_error("nobody listens");
}

// --- Results ---

TEST(SpawnTest, GivesTheResultToTheJoiner) {
  testing::Simulator sim;
  auto main = []() -> Task<int> {
    JoinHandle<int> child = Spawn(GiveAfter(absl::Seconds(1), 7));
    absl::StatusOr<int> joined = co_await child.Join();
    co_return *joined;
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(SpawnTest, AStatusOfTheTaskIsTheStatusOfTheJoin) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::Status> {
    co_return absl::NotFoundError("nothing there");
  };
  auto fail_to_count = []() -> Task<absl::StatusOr<int>> {
    co_return absl::NotFoundError("nothing to count");
  };
  auto main = [&]() -> Task<> {
    JoinHandle<absl::Status> first = Spawn(fail());
    JoinHandle<absl::StatusOr<int>> second = Spawn(fail_to_count());
    absl::Status failed = co_await first.Join();
    absl::StatusOr<int> counted = co_await second.Join();
    EXPECT_EQ(failed, absl::NotFoundError("nothing there"));
    EXPECT_EQ(counted.status(), absl::NotFoundError("nothing to count"));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(SpawnTest, TheJoinOfAVoidTaskGivesOk) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    JoinHandle<void> child = Spawn(Note(journal, "child"));
    co_return co_await child.Join();
  };

  EXPECT_EQ(sim.Run(main()), absl::OkStatus());
  EXPECT_THAT(journal, ElementsAre("child"));
}

TEST(SpawnTest, GivesResultsThatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto make = []() -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(7);
  };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    JoinHandle<std::unique_ptr<int>> child = Spawn(make());
    std::unique_ptr<int> made = co_await OrReturn(child.Join());
    co_return *made;
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(SpawnTest, AnEscapedExceptionIsThrownFromTheJoin) {
  testing::Simulator sim;
  auto fail = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("broken");
  };
  auto main = [&]() -> Task<std::string> {
    JoinHandle<int> child = Spawn(fail());
    std::string text = "nothing";
    try {
      absl::StatusOr<int> joined = co_await child.Join();
      text = joined.status().ToString();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };

  EXPECT_EQ(*sim.Run(main()), "broken");
}

TEST(SpawnTest, AResultNobodyJoinsDiesWithTheHandle) {
  testing::Simulator sim;
  Census census;
  auto make = [](Census& into) -> Task<Counted> { co_return Counted(into); };
  {
    JoinHandle<Counted> handle = sim.SpawnJoinable(make(census));
    sim.RunUntilIdle();
    EXPECT_EQ(census.alive(), 1);
  }

  EXPECT_EQ(census.alive(), 0);
}

TEST(SpawnTest, LocalsOfTheTaskAreGoneWhenTheJoinReturns) {
  testing::Simulator sim;
  Journal journal;
  auto child = [](Journal& into) -> Task<> {
    Mourned outer(into, "outer");
    Mourned inner(into, "inner");
    co_await Yield();
  };
  auto main = [&]() -> Task<> {
    JoinHandle<void> handle = Spawn(child(journal));
    absl::Status joined = co_await handle.Join();
    journal.push_back(joined.ok() ? "joined" : "not joined");
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("inner", "outer", "joined"));
}

// --- When it runs ---

TEST(SpawnTest, TheCallerGoesOnBeforeTheTaskBegins) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    JoinHandle<void> child = Spawn(Note(journal, "child"));
    journal.push_back("caller");
    absl::Status joined = co_await child.Join();
    EXPECT_TRUE(joined.ok());
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("caller", "child"));
}

TEST(SpawnTest, TasksBeginInTheOrderTheyWereSpawned) {
  testing::Simulator sim;
  constexpr int kTasks = 200;
  std::vector<int> order;
  auto append = [](std::vector<int>& into, int n) -> Task<> {
    into.push_back(n);
    co_return;
  };
  auto main = [&]() -> Task<> {
    for (int i = 0; i < kTasks; ++i) Spawn(append(order, i)).Detach();
    co_return;
  };
  sim.Spawn(main());

  sim.RunUntilIdle();

  ASSERT_EQ(order.size(), kTasks);
  for (int i = 0; i < kTasks; ++i) ASSERT_EQ(order[i], i);
}

TEST(SpawnTest, MoreTasksThanARunQueueHoldsAllBeginOnce) {
  testing::Simulator sim;
  constexpr int kTasks = 10'000;
  std::vector<int> begun(kTasks);
  auto count = [](std::vector<int>& into, int n) -> Task<> {
    ++into[n];
    co_return;
  };
  auto main = [&]() -> Task<> {
    for (int i = 0; i < kTasks; ++i) Spawn(count(begun, i)).Detach();
    co_return;
  };
  sim.Spawn(main());

  sim.RunUntilIdle();

  EXPECT_THAT(begun, ::testing::Each(1));
}

TEST(SpawnTest, JoiningAFinishedTaskDoesNotSuspend) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    JoinHandle<int> child = Spawn(Give(7));
    co_await Yield();
    EXPECT_TRUE(child.finished());
    Spawn(Note(journal, "another")).Detach();
    absl::StatusOr<int> joined = co_await child.Join();
    EXPECT_EQ(*joined, 7);
    journal.push_back("joined");
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("joined", "another"));
}

TEST(SpawnTest, TheJoinerGoesOnInTheTurnInWhichItsTaskEnds) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    JoinHandle<void> child = Spawn(Note(journal, "child"));
    absl::Status joined = co_await child.Join();
    journal.push_back(joined.ok() ? "joiner" : "nobody");
  };
  sim.Spawn(main());
  ASSERT_TRUE(sim.RunOneStep());  // It spawns and joins.

  ASSERT_TRUE(sim.RunOneStep());

  EXPECT_THAT(journal, ElementsAre("child", "joiner"));
}

TEST(SpawnTest, JoinWaitsForTheTask) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<absl::StatusOr<int>> {
    JoinHandle<int> child = Spawn(GiveAfter(absl::Hours(1), 7));
    EXPECT_FALSE(child.finished());
    co_return co_await child.Join();
  };

  EXPECT_EQ(*sim.Run(main()), 7);
  EXPECT_GE(sim.now() - begin, absl::Hours(1));
}

TEST(SpawnTest, EveryTaskHasAnIdOfItsOwn) {
  testing::Simulator sim;
  std::set<std::uint64_t> ids;

  for (int i = 0; i < 100; ++i) {
    JoinHandle<int> task = sim.SpawnJoinable(Give(i));
    ids.insert(task.task_id());
  }
  sim.RunUntilIdle();

  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(ids.count(0), 0u);  // 0 means no task: leaf.h.
}

TEST(SpawnTest, IdsGivenInsideAndOutsideOfTheRuntimeNeverMeet) {
  testing::Simulator sim;
  std::set<std::uint64_t> ids;
  auto spawn_many = [&]() -> Task<> {
    for (int i = 0; i < 700; ++i) {
      JoinHandle<int> task = Spawn(Give(i));
      ids.insert(task.task_id());
    }
    co_return;
  };

  for (int i = 0; i < 5; ++i) {
    JoinHandle<void> spawner = sim.SpawnJoinable(spawn_many());
    ids.insert(spawner.task_id());
    sim.RunUntilIdle();
  }

  EXPECT_EQ(ids.size(), 5u * 701);
}

// --- Closures ---

TEST(SpawnTest, KeepsTheClosureOfALambdaAliveAsLongAsItsCoroutine) {
  testing::Simulator sim;
  auto captured = std::make_shared<std::string>("captured");
  std::string seen;

  // The closure is a temporary: what the coroutine reads after its wait lives
  // in the task.
  JoinHandle<void> task = sim.SpawnJoinable([captured, &seen]() -> Task<> {
    co_await Yield();
    seen = *captured;
  });
  EXPECT_EQ(captured.use_count(), 2);
  sim.RunUntilIdle();

  EXPECT_EQ(seen, "captured");
  EXPECT_TRUE(task.finished());
  EXPECT_EQ(captured.use_count(), 1);  // Gone with the coroutine, not later.
}

TEST(SpawnTest, CopiesItsArguments) {
  testing::Simulator sim;
  std::string word = "before";
  std::string seen;
  auto read = [](const std::string& mine, std::string& into) -> Task<> {
    co_await Yield();
    into = mine;
  };

  JoinHandle<void> task = sim.SpawnJoinable(read, word, std::ref(seen));
  word = "after";
  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
  EXPECT_EQ(seen, "before");
}

TEST(SpawnTest, MovesArgumentsThatCannotBeCopied) {
  testing::Simulator sim;
  auto read = [](std::unique_ptr<int> first,
                 const std::unique_ptr<int>& second) -> Task<int> {
    co_await Yield();
    co_return *first + *second;
  };
  auto first = std::make_unique<int>(40);
  auto second = std::make_unique<int>(2);

  JoinHandle<int> task =
      sim.SpawnJoinable(read, std::move(first), std::move(second));
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 42);
}

TEST(SpawnTest, ArgumentsDieAfterTheLocalsThatReferToThem) {
  testing::Simulator sim;
  Journal journal;
  struct Argument {
    std::unique_ptr<Mourned> mourned;
  };
  auto child = [](const Argument&, Journal& into) -> Task<> {
    Mourned local(into, "local");
    co_await Yield();
  };
  Argument argument{std::make_unique<Mourned>(journal, "argument")};
  JoinHandle<void> task =
      sim.SpawnJoinable(child, std::move(argument), std::ref(journal));

  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("local", "argument"));
}

TEST(SpawnTest, TheClosureOfATaskThatNeverBeganDiesWithTheRuntime) {
  Census census;
  {
    testing::Simulator sim;
    sim.Spawn([counted = Counted(census)]() -> Task<> {
      EXPECT_EQ(counted.number(), 0);
      co_return;
    });
    EXPECT_EQ(census.alive(), 1);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(SpawnTest, AnExceptionOfTheFunctionItselfLeavesNothingBehind) {
  testing::Simulator sim;
  Census census;
  auto refuse = [counted = Counted(census)]() -> Task<> {
    if (counted.number() == 0) throw std::runtime_error("no task today");
    return Throw();
  };

  EXPECT_THROW(static_cast<void>(sim.SpawnJoinable(refuse)),
               std::runtime_error);

  EXPECT_EQ(census.alive(), 1);  // The one in `refuse`.
  EXPECT_FALSE(sim.AnyTasks());
}

// --- Dropping, detaching, cancelling ---

TEST(SpawnTest, DroppingTheHandleCancelsTheTask) {
  testing::Simulator sim;
  absl::Status ended;
  auto main = [&]() -> Task<> {
    {
      JoinHandle<void> child = Spawn(SleepAndNote(ended));
      co_await Yield();
    }
    // It has not been waited for.
    EXPECT_TRUE(ended.ok());
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(ended));
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SpawnTest, ADetachedTaskRunsToItsEnd) {
  testing::Simulator sim;
  absl::Status ended = absl::UnknownError("never ran");
  auto nap = [](absl::Status& into) -> Task<> {
    into = co_await SleepFor(absl::Hours(1));
  };
  auto main = [&]() -> Task<> {
    JoinHandle<void> child = Spawn(nap(ended));
    child.Detach();
    EXPECT_FALSE(child);
    co_return;
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  sim.RunUntilIdle();

  EXPECT_TRUE(ended.ok());
}

TEST(SpawnTest, CancelReachesATaskThatHasNotBegun) {
  testing::Simulator sim;
  absl::Status ended;
  JoinHandle<void> task = sim.SpawnJoinable(SleepAndNote(ended));

  task.Cancel();
  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
  EXPECT_TRUE(absl::IsCancelled(ended));
}

TEST(SpawnTest, CancellingAFinishedTaskChangesNothing) {
  testing::Simulator sim;
  JoinHandle<int> task = sim.SpawnJoinable(Give(7));
  sim.RunUntilIdle();

  task.Cancel();

  EXPECT_EQ(*task.BlockingJoin(), 7);
}

TEST(SpawnTest, ATaskMayDropItsOwnHandle) {
  testing::Simulator sim;
  std::optional<JoinHandle<void>> own;
  bool saw_cancellation = false;
  auto drop = [](std::optional<JoinHandle<void>>& handle,
                 bool& cancelled) -> Task<> {
    co_await Yield();
    handle.reset();
    cancelled = IsCancelled();
  };
  own.emplace(sim.SpawnJoinable(drop(own, saw_cancellation)));

  sim.RunUntilIdle();

  EXPECT_TRUE(saw_cancellation);
  EXPECT_FALSE(sim.AnyTasks());
}

// Drops a handle when it dies.
struct HandleDropper {
  std::shared_ptr<std::optional<JoinHandle<void>>> handle;
  ~HandleDropper() {
    if (handle != nullptr) handle->reset();
  }
};

TEST(SpawnTest, AHandleMayBeDroppedWhileItsTaskEnds) {
  testing::Simulator sim;
  auto own = std::make_shared<std::optional<JoinHandle<void>>>();
  // The handle dies with the last local: the body has ended, and the task has
  // not been marked as finished.
  auto child =
      [](std::shared_ptr<std::optional<JoinHandle<void>>> handle) -> Task<> {
    const HandleDropper dropper{std::move(handle)};
    co_await Yield();
  };
  own->emplace(sim.SpawnJoinable(child(own)));

  sim.RunUntilIdle();

  EXPECT_FALSE(own->has_value());
  EXPECT_EQ(own.use_count(), 1);
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SpawnTest, AHandleMayBeDroppedByTheClosureOfItsTask) {
  testing::Simulator sim;
  auto own = std::make_shared<std::optional<JoinHandle<void>>>();
  auto child = [](const std::shared_ptr<HandleDropper>&) -> Task<> {
    co_await Yield();
  };
  own->emplace(sim.SpawnJoinable(
      child, std::make_shared<HandleDropper>(HandleDropper{own})));

  sim.RunUntilIdle();

  EXPECT_FALSE(own->has_value());
  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SpawnTest, AssigningToAHandleDropsTheTaskItHeld) {
  testing::Simulator sim;
  absl::Status first;
  absl::Status second;
  JoinHandle<void> handle = sim.SpawnJoinable(SleepAndNote(first));
  sim.RunFor(absl::Seconds(1));

  handle = sim.SpawnJoinable(SleepAndNote(second));
  sim.RunFor(absl::Seconds(1));

  EXPECT_TRUE(absl::IsCancelled(first));
  EXPECT_TRUE(second.ok());
  EXPECT_TRUE(handle);
  EXPECT_FALSE(handle.finished());
}

TEST(SpawnTest, AssigningAHandleDropsTheTaskThatTheOtherOneReplaces) {
  testing::Simulator sim;
  absl::Status first_ended;
  absl::Status second_ended;
  JoinHandle<void> first = sim.SpawnJoinable(SleepAndNote(first_ended));
  JoinHandle<void> second = sim.SpawnJoinable(SleepAndNote(second_ended));
  sim.RunUntilIdle();

  first = std::move(second);
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(first_ended));
  EXPECT_FALSE(second);
  EXPECT_FALSE(first.finished());
}

TEST(SpawnTest, AMovedFromHandleIsEmpty) {
  testing::Simulator sim;
  JoinHandle<int> from = sim.SpawnJoinable(Give(7));

  JoinHandle<int> to = std::move(from);
  sim.RunUntilIdle();

  EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move): that is the question.
  EXPECT_EQ(*to.BlockingJoin(), 7);
}

TEST(SpawnTest, AHandleOutlivesItsRuntime) {
  std::optional<JoinHandle<int>> handle;
  std::optional<JoinHandle<int>> unborn;
  {
    testing::Simulator sim;
    handle.emplace(sim.SpawnJoinable(GiveAfter(absl::Hours(1), 7)));
    sim.RunFor(absl::Seconds(1));
    unborn.emplace(sim.SpawnJoinable(Give(7)));
  }

  EXPECT_TRUE(handle->finished());
  EXPECT_TRUE(absl::IsCancelled(handle->BlockingJoin().status()));
  EXPECT_TRUE(absl::IsCancelled(unborn->BlockingJoin().status()));
  handle->Cancel();
}

// --- Joins that are cancelled ---

TEST(SpawnTest, ACancelledJoinLeavesTheTaskAloneAndCanBeRepeated) {
  testing::Simulator sim;
  JoinHandle<int> worker = sim.SpawnJoinable(GiveAfter(absl::Hours(1), 7));
  auto join = [](JoinHandle<int>& task) -> Task<absl::StatusOr<int>> {
    co_return co_await task.Join();
  };
  JoinHandle<absl::StatusOr<int>> impatient = sim.SpawnJoinable(join(worker));
  sim.RunFor(absl::Minutes(1));

  impatient.Cancel();
  sim.RunFor(absl::Minutes(1));

  EXPECT_TRUE(absl::IsCancelled(impatient.BlockingJoin().status()));
  EXPECT_FALSE(worker.finished());
  EXPECT_EQ(*sim.Run(join(worker)), 7);
}

TEST(SpawnTest, ACancelledTaskDoesNotJoinNotEvenAFinishedTask) {
  testing::Simulator sim;
  JoinHandle<int> finished = sim.SpawnJoinable(Give(7));
  sim.RunUntilIdle();
  auto join = [](JoinHandle<int>& task) -> Task<absl::StatusOr<int>> {
    co_return co_await task.Join();
  };
  JoinHandle<absl::StatusOr<int>> joiner = sim.SpawnJoinable(join(finished));
  joiner.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(joiner.BlockingJoin().status()));
  EXPECT_EQ(*finished.BlockingJoin(), 7);  // The result was not taken.
}

TEST(SpawnTest, AJoinThatWasWokenBeforeItsCancellationGivesTheResult) {
  testing::Simulator sim;
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    JoinHandle<int> child = Spawn(GiveAfter(absl::Seconds(1), 7));
    co_return co_await child.Join();
  };
  JoinHandle<absl::StatusOr<int>> task = sim.SpawnJoinable(main());
  // The child ends in its own step, which wakes the joiner; it has not run yet.
  sim.RunFor(absl::Milliseconds(1));
  ASSERT_TRUE(sim.RunOneStep());  // The clock jumps, the timer wakes the child.
  ASSERT_TRUE(sim.RunOneStep());  // The child ends.

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 7);
}

TEST(SpawnTest, AJoinThatWasCancelledBeforeTheTaskEndedIsCancelled) {
  testing::Simulator sim;
  JoinHandle<int> worker = sim.SpawnJoinable(GiveAfter(absl::Seconds(1), 7));
  auto join = [](JoinHandle<int>& task) -> Task<absl::StatusOr<int>> {
    co_return co_await task.Join();
  };
  JoinHandle<absl::StatusOr<int>> joiner = sim.SpawnJoinable(join(worker));
  sim.RunFor(absl::Milliseconds(1));
  ASSERT_TRUE(sim.RunOneStep());  // The timer wakes the worker.

  joiner.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(joiner.BlockingJoin().status()));
  EXPECT_EQ(*worker.BlockingJoin(), 7);
}

TEST(SpawnTest, AWaitingJoinSaysWhomItWaitsFor) {
  testing::Simulator sim;
  JoinHandle<int> worker = sim.SpawnJoinable(GiveAfter(absl::Hours(1), 7));
  TaskContext* context = nullptr;
  auto join = [](JoinHandle<int>& task, TaskContext*& into) -> Task<> {
    into = internal::Here().context;
    absl::StatusOr<int> joined = co_await task.Join();
    EXPECT_TRUE(joined.ok());
  };
  sim.Spawn(join(worker, context));
  sim.RunFor(absl::Seconds(1));

  WaitDescription seen;
  context->Look([&seen](Leaf& leaf) { seen = leaf.Describe(); });

  EXPECT_EQ(seen.kind, "join");
  EXPECT_EQ(seen.held_by_task, worker.task_id());
  sim.RunUntilIdle();
}

// --- Broken contracts ---

Task<> JoinForEver(JoinHandle<void>& handle) {
  absl::Status joined = co_await handle.Join();
  EXPECT_TRUE(joined.ok());
}

TEST(SpawnDeathTest, ATaskIsJoinedByOneAtATime) {
  testing::Simulator sim;
  absl::Status ended;
  JoinHandle<void> handle = sim.SpawnJoinable(SleepAndNote(ended));
  sim.Spawn(JoinForEver(handle));
  sim.Spawn(JoinForEver(handle));

  EXPECT_DEATH(sim.RunUntilIdle(), "joined twice at the same time");
}

TEST(SpawnDeathTest, AnEmptyHandleCannotBeJoined) {
  JoinHandle<void> empty;

  EXPECT_DEATH(static_cast<void>(empty.Join()), "JoinHandle is empty");
}

TEST(SpawnDeathTest, SpawnNeedsARuntime) {
  EXPECT_DEATH(Spawn(Give(1)).Detach(), "Spawn needs a runtime");
}

TEST(SpawnDeathTest, AWorkerDoesNotBlockForATask) {
  testing::Simulator sim;
  auto block = []() -> Task<> {
    JoinHandle<int> child = Spawn(Give(1));
    static_cast<void>(child.BlockingJoin());
    co_return;
  };
  sim.Spawn(block());

  EXPECT_DEATH(sim.RunUntilIdle(), "co_await Join\\(\\) instead");
}

TEST(SpawnDeathTest, AnExceptionOutOfADetachedTaskEndsTheProgramWithItsText) {
  testing::Simulator sim;
  sim.SpawnJoinable(Throw()).Detach();

  EXPECT_DEATH(sim.RunUntilIdle(), "nobody joins: nobody listens");
}

TEST(SpawnDeathTest, AnExceptionThatIsDroppedUnseenEndsTheProgram) {
  testing::Simulator sim;
  JoinHandle<void> handle = sim.SpawnJoinable(Throw());
  sim.RunUntilIdle();

  EXPECT_DEATH(handle = {}, "nobody joins: nobody listens");

  EXPECT_THROW(handle.BlockingJoin().IgnoreError(), std::runtime_error);
}

}  // namespace
}  // namespace weft
