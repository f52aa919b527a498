// Tests of TaskContext: publishing a leaf, taking it back, cancelling and
// looking. One thread; what threads do to it is in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task_context.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

class Context final : public TaskContext {};

// A wait that only notes that it was asked to end. Never prepared, since nobody
// asks who waits or resumes it.
class NotingLeaf final : public Leaf {
 public:
  void Cancel() noexcept override { ++cancels; }
  WaitDescription Describe() const noexcept override { return {"noting"}; }

  int cancels = 0;
};

std::vector<Leaf*> LeavesOf(TaskContext& context) {
  std::vector<Leaf*> seen;
  context.Look([&seen](Leaf& leaf) { seen.push_back(&leaf); });
  return seen;
}

TEST(TaskContextTest, AFreshOneHasNoLeafAndIsNotCancelled) {
  Context context;

  EXPECT_FALSE(context.cancelled());
  EXPECT_THAT(LeavesOf(context), ElementsAre());
}

TEST(TaskContextTest, APublishedLeafIsSeenUntilItIsRetracted) {
  Context context;
  NotingLeaf leaf;

  ASSERT_TRUE(context.Publish(leaf));
  EXPECT_THAT(LeavesOf(context), ElementsAre(&leaf));
  EXPECT_THAT(LeavesOf(context), ElementsAre(&leaf));  // Looking takes nothing.
  context.Retract();

  EXPECT_THAT(LeavesOf(context), ElementsAre());
  EXPECT_EQ(leaf.cancels, 0);
}

TEST(TaskContextTest, CancelTellsTheLeafOnce) {
  Context context;
  NotingLeaf leaf;
  ASSERT_TRUE(context.Publish(leaf));

  context.Cancel();
  context.Cancel();

  EXPECT_TRUE(context.cancelled());
  EXPECT_EQ(leaf.cancels, 1);
  context.Retract();
  EXPECT_TRUE(context.cancelled());
}

TEST(TaskContextTest, NothingIsPublishedInACancelledScope) {
  Context context;
  NotingLeaf leaf;
  context.Cancel();

  EXPECT_FALSE(context.Publish(leaf));

  EXPECT_THAT(LeavesOf(context), ElementsAre());
  EXPECT_EQ(leaf.cancels, 0);
}

TEST(TaskContextTest, ALeafCanBePublishedAgainAfterItsWait) {
  Context context;
  NotingLeaf first;
  NotingLeaf second;

  ASSERT_TRUE(context.Publish(first));
  context.Retract();
  ASSERT_TRUE(context.Publish(second));
  context.Cancel();

  EXPECT_EQ(first.cancels, 0);
  EXPECT_EQ(second.cancels, 1);
}

TEST(TaskContextTest, AJoinIsPublishedInACancelledScopeToo) {
  Context context;
  NotingLeaf join;
  context.Cancel();

  EXPECT_FALSE(context.PublishJoin(join));  // Nobody else will tell it.

  EXPECT_THAT(LeavesOf(context), ElementsAre(&join));
  EXPECT_EQ(join.cancels, 0);
  context.Cancel();
  EXPECT_EQ(join.cancels, 0);
  context.Retract();
  EXPECT_THAT(LeavesOf(context), ElementsAre());
  EXPECT_TRUE(context.cancelled());
}

TEST(TaskContextTest, AJoinThatIsPublishedFirstIsTold) {
  Context context;
  NotingLeaf join;

  ASSERT_TRUE(context.PublishJoin(join));
  context.Cancel();

  EXPECT_EQ(join.cancels, 1);
}

// --- In tasks ---

TEST(TaskContextTest, ATaskThatRunsHasNoLeafAndOneThatSleepsHasOne) {
  testing::Simulator sim;
  TaskContext* context = nullptr;
  auto main = [&]() -> Task<> {
    context = internal::Here().context;
    EXPECT_THAT(LeavesOf(*context), ElementsAre());
    absl::Status slept = co_await SleepFor(absl::Hours(1));
    EXPECT_TRUE(slept.ok());
    EXPECT_THAT(LeavesOf(*context), ElementsAre());
  };
  sim.Spawn(main());
  sim.RunFor(absl::Minutes(1));

  ASSERT_EQ(LeavesOf(*context).size(), 1u);
  EXPECT_EQ(LeavesOf(*context)[0]->Describe().kind, "sleep");
  EXPECT_EQ(&LeavesOf(*context)[0]->context(), context);

  sim.RunUntilIdle();
}

TEST(TaskContextTest, WhatATaskAwaitsRunsInItsContext) {
  testing::Simulator sim;
  auto ask = []() -> Task<TaskContext*> {
    co_await Yield();
    co_return internal::Here().context;
  };
  auto main = [&]() -> Task<> {
    TaskContext* const own = internal::Here().context;
    TaskContext* const callee = co_await ask();
    EXPECT_EQ(callee, own);
    EXPECT_EQ(internal::Here().context, own);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_EQ(internal::Here().context, nullptr);
}

TEST(TaskContextTest, TheAsynchronousStackCrossesFromABranchToItsParent) {
  testing::Simulator sim;
  TaskContext* branch = nullptr;
  auto sleep = [](TaskContext*& into) -> Task<> {
    into = internal::Here().context;
    absl::Status slept = co_await SleepFor(absl::Hours(1));
    EXPECT_TRUE(slept.ok());
  };
  auto callee = [&](TaskContext*& into) -> Task<> {
    co_await WhenAll(sleep(into), sleep(into));
  };
  auto main = [&]() -> Task<> { co_await callee(branch); };
  sim.Spawn(main());
  sim.RunFor(absl::Minutes(1));

  std::vector<unsigned> lines;
  branch->Look([&lines](Leaf& leaf) {
    for (PromiseBase* frame = leaf.awaiting_promise(); frame != nullptr;
         frame = frame->continuation().promise()) {
      lines.push_back(frame->awaiting_at().line());
    }
  });

  // The branch, the fork's caller, and main: each at a place of its own.
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_LT(lines[0], lines[1]);
  EXPECT_LT(lines[1], lines[2]);
  sim.RunUntilIdle();
}

}  // namespace
}  // namespace weft
