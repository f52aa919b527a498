// Tests of weft::sync::Latch: it opens when it has been counted down, once.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/latch.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::weft::testing::Simulator;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

class LatchTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, LatchTest, Schedules(), ScheduleName);

Task<absl::Status> WaitFor(Latch& latch) { co_return co_await latch.Wait(); }

TEST_P(LatchTest, OpensForAllWhenItHasBeenCountedDown) {
  Latch latch(3);
  JoinHandle<absl::Status> first = sim_.SpawnJoinable(WaitFor(latch));
  JoinHandle<absl::Status> second = sim_.SpawnJoinable(WaitFor(latch));

  latch.CountDown();
  sim_.RunUntilIdle();
  EXPECT_FALSE(first.finished());
  EXPECT_FALSE(latch.is_open());
  latch.CountDown(2);
  sim_.RunUntilIdle();

  EXPECT_EQ(first.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(second.BlockingJoin(), absl::OkStatus());
}

TEST_P(LatchTest, StaysOpen) {
  Latch latch(1);
  latch.CountDown();

  EXPECT_TRUE(latch.is_open());
  EXPECT_EQ(sim_.Run(WaitFor(latch)), absl::OkStatus());
  EXPECT_EQ(sim_.Run(WaitFor(latch)), absl::OkStatus());
}

TEST_P(LatchTest, OneForNothingIsOpenFromTheStart) {
  Latch latch(0);

  EXPECT_EQ(sim_.Run(WaitFor(latch)), absl::OkStatus());
}

TEST_P(LatchTest, ACancelledWaitCountsNothing) {
  Latch latch(1);
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitFor(latch));
  sim_.RunUntilIdle();

  waiter.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
  EXPECT_FALSE(latch.is_open());
  latch.CountDown();
  EXPECT_TRUE(latch.is_open());
}

// With others on other threads: tests/stress/sync_meeting_test.cc.
TEST_P(LatchTest, AWaiterMayDestroyTheLatchThatItSawOpen) {
  auto latch = std::make_unique<Latch>(1);
  Latch& borrowed = *latch;
  auto own = [](std::unique_ptr<Latch> mine) -> Task<absl::Status> {
    co_return co_await mine->Wait();
  };
  sim_.Spawn(own(std::move(latch)));
  sim_.RunUntilIdle();

  borrowed.CountDown();
  sim_.RunUntilIdle();

  EXPECT_FALSE(sim_.AnyTasks());
}

TEST(LatchDeathTest, CountingMoreThanThereIsSaysSo) {
  Latch latch(1);

  EXPECT_DEATH(latch.CountDown(2), "more often than it was made for");
  EXPECT_DEATH(latch.CountDown(-1), "does not count up");
  EXPECT_DEATH(Latch(-1), "down to 0");
}

}  // namespace
}  // namespace weft::sync
