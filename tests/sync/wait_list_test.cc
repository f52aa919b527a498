// Tests of weft::sync::WaitList and Waiter, by a primitive of the test's own: a
// gate that counts what it is asked, as the primitives of this layer are built.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/wait_list.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/steps.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

// Lets everybody pass while it is open, and one for each time it is told to.
class Gate {
 public:
  class PassAwaiter;

  WaitList& list() { return list_; }

  PassAwaiter Pass();

  // Opens it for those to come; who waits stays.
  void set_open(bool open) { open_ = open; }

  bool LetOneThrough() {
    Waiter* next;
    {
      std::lock_guard lock(list_.lock());
      next = list_.Pop();
    }
    if (next == nullptr) return false;
    next->Wake();
    return true;
  }

  void LetAllThrough() {
    WakeList granted;
    {
      std::lock_guard lock(list_.lock());
      while (Waiter* const next = list_.Pop()) granted.Add(*next);
    }
    granted.WakeAll();
  }

  int asked_fast = 0;
  int asked_locked = 0;
  int left = 0;
  int given_back = 0;

 private:
  bool open_ = false;
  WaitList list_;
};

class Gate::PassAwaiter final : public Waiter {
 public:
  explicit PassAwaiter(Gate& gate) : Waiter(gate.list_), gate_(gate) {}
  ~PassAwaiter() { LeaveIfParked(); }

  absl::Status await_resume() const { return status(); }
  WaitDescription Describe() const noexcept override {
    return {.kind = "gate", .on = &gate_};
  }

 private:
  bool TryFast() noexcept override {
    ++gate_.asked_fast;
    return gate_.open_;
  }
  bool TryLocked(WakeList&) noexcept override {
    ++gate_.asked_locked;
    return gate_.open_;
  }
  void AfterCancel(WakeList&) noexcept override { ++gate_.left; }
  void GiveBack() noexcept override { ++gate_.given_back; }

  Gate& gate_;
};

Gate::PassAwaiter Gate::Pass() { return PassAwaiter(*this); }

Task<absl::Status> Pass(Gate& gate, std::vector<int>& passed, int name) {
  co_await OrReturn(gate.Pass());
  passed.push_back(name);
  co_return absl::OkStatus();
}

class WaitListTest : public SeededTest {
 protected:
  JoinHandle<absl::Status> Enter(int name) {
    auto handle = sim_.SpawnJoinable(Pass(gate_, passed_, name));
    // One at a time, so that they come in this order whatever the seed.
    sim_.RunUntilIdle();
    return handle;
  }

  Gate gate_;
  std::vector<int> passed_;
};
INSTANTIATE_TEST_SUITE_P(Any, WaitListTest, Schedules(), ScheduleName);

TEST_P(WaitListTest, AsksFastOnceAndTakesNoLockWhereThatIsEnough) {
  gate_.set_open(true);
  // Held all the while: an operation that took it would hang.
  std::lock_guard lock(gate_.list().lock());

  EXPECT_TRUE(Enter(1).finished());

  EXPECT_EQ(gate_.asked_fast, 1);
  EXPECT_EQ(gate_.asked_locked, 0);
}

TEST_P(WaitListTest, AsksAgainUnderTheLockBeforeItParks) {
  JoinHandle<absl::Status> waiter = Enter(1);

  EXPECT_EQ(gate_.asked_fast, 1);
  EXPECT_EQ(gate_.asked_locked, 1);
  EXPECT_FALSE(waiter.finished());
}

TEST_P(WaitListTest, WhoeverWasWokenIsNotAskedAgain) {
  JoinHandle<absl::Status> waiter = Enter(1);

  EXPECT_TRUE(gate_.LetOneThrough());
  sim_.RunUntilIdle();

  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(gate_.asked_fast, 1);
  EXPECT_EQ(gate_.asked_locked, 1);
}

TEST_P(WaitListTest, PopsInTheOrderTheyCame) {
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int name : {1, 2, 3}) waiters.push_back(Enter(name));

  while (gate_.LetOneThrough()) sim_.RunUntilIdle();

  EXPECT_THAT(passed_, ElementsAre(1, 2, 3));
}

TEST_P(WaitListTest, AWakeSchedulesAndDoesNotResumeOnTheSpot) {
  JoinHandle<absl::Status> waiter = Enter(1);

  EXPECT_TRUE(gate_.LetOneThrough());
  EXPECT_THAT(passed_, IsEmpty());
  sim_.RunUntilIdle();

  EXPECT_THAT(passed_, ElementsAre(1));
}

TEST_P(WaitListTest, WakesAllThatWereGrantedSomething) {
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int name : {1, 2, 3}) waiters.push_back(Enter(name));

  gate_.LetAllThrough();
  sim_.RunUntilIdle();

  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
  }
  EXPECT_TRUE(gate_.list().empty());
}

TEST_P(WaitListTest, ACancelledTaskIsNotEvenAsked) {
  gate_.set_open(true);
  auto waiter = sim_.SpawnJoinable(Pass(gate_, passed_, 1));
  waiter.Cancel();

  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(waiter.BlockingJoin()));
  EXPECT_EQ(gate_.asked_fast, 0);
}

TEST_P(WaitListTest, ACancelledWaiterLeavesAndSaysSoOnce) {
  std::vector<JoinHandle<absl::Status>> waiters;
  for (int name : {1, 2, 3}) waiters.push_back(Enter(name));

  waiters[1].Cancel();
  waiters[1].Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(gate_.left, 1);
  EXPECT_TRUE(absl::IsCancelled(waiters[1].BlockingJoin()));
  gate_.LetAllThrough();
  sim_.RunUntilIdle();
  EXPECT_EQ(gate_.given_back, 0);
  EXPECT_TRUE(gate_.list().empty());
}

TEST_P(WaitListTest, ACancellationThatComesAfterTheGrantDoesNothing) {
  JoinHandle<absl::Status> waiter = Enter(1);

  EXPECT_TRUE(gate_.LetOneThrough());
  waiter.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(gate_.left, 0);
  EXPECT_EQ(waiter.BlockingJoin(), absl::OkStatus());
}

// A plain thread that cancels while the waiter parks: here, in its own turn.
TEST_P(WaitListTest, ACancellationBetweenTheQuestionAndTheParkingIsNotMissed) {
  TaskContext* context = nullptr;
  class CancelledHere final : public Waiter {
   public:
    CancelledHere(WaitList& list, TaskContext*& context)
        : Waiter(list), context_(context) {}
    absl::Status await_resume() const { return status(); }
    WaitDescription Describe() const noexcept override { return {"test"}; }

   private:
    bool TryLocked(WakeList&) noexcept override {
      context_->Cancel();
      return false;
    }
    TaskContext*& context_;
  };
  WaitList list;
  auto wait = [&]() -> Task<absl::Status> {
    context = internal::Here().context;
    CancelledHere waiter(list, context);
    absl::Status waited = co_await waiter;
    co_return waited;
  };

  EXPECT_TRUE(absl::IsCancelled(sim_.Run(wait())));

  EXPECT_TRUE(list.empty());
}

TEST(WaitListTeardownTest, AWaiterOfASimulationThatEndsLeavesTheList) {
  Gate gate;
  std::vector<int> passed;
  {
    Simulator sim;
    for (int name : {1, 2, 3}) sim.Spawn(Pass(gate, passed, name));
    sim.RunUntilIdle();
    EXPECT_FALSE(gate.list().empty());
  }

  EXPECT_TRUE(gate.list().empty());
  EXPECT_EQ(gate.left, 3);
  EXPECT_EQ(gate.given_back, 0);
}

TEST(WaitListTeardownTest, AWaiterThatWasGrantedAndDidNotRunGivesItBack) {
  Gate gate;
  std::vector<int> passed;
  {
    Simulator sim;
    for (int name : {1, 2, 3}) sim.Spawn(Pass(gate, passed, name));
    sim.RunUntilIdle();
    EXPECT_TRUE(gate.LetOneThrough());
    EXPECT_TRUE(gate.LetOneThrough());
  }

  EXPECT_EQ(gate.given_back, 2);
  EXPECT_EQ(gate.left, 1);
  EXPECT_THAT(passed, IsEmpty());
}

TEST(WaitListTeardownTest, AWaiterThatHadItsTurnKeepsWhatItGot) {
  Gate gate;
  std::vector<int> passed;
  {
    Simulator sim;
    sim.Spawn(Pass(gate, passed, 1));
    sim.RunUntilIdle();
    EXPECT_TRUE(gate.LetOneThrough());
    sim.RunUntilIdle();
  }

  EXPECT_THAT(passed, ElementsAre(1));
  EXPECT_EQ(gate.given_back, 0);
  EXPECT_EQ(gate.left, 0);
}

TEST(WaitListDeathTest, DestroyingAListThatSomeoneWaitsOnSaysWhatToDo) {
  EXPECT_DEATH(
      {
        Simulator sim;
        auto gate = std::make_unique<Gate>();
        std::vector<int> passed;
        sim.Spawn(Pass(*gate, passed, 1));
        sim.RunUntilIdle();
        gate.reset();
      },
      "a primitive of weft::sync was destroyed while a task waits on it: end "
      "the task first, for example with a Scope");
}

TEST(WaitListDeathTest, WaitingOutsideOfATaskSaysWhatToDo) {
  // A coroutine of ours that is resumed by hand, in no runtime.
  EXPECT_DEATH(
      {
        Gate gate;
        std::vector<int> passed;
        Task<absl::Status> task = Pass(gate, passed, 1);
        auto frame = std::move(task).TakeFrame();
        frame.handle().resume();
      },
      "co_await outside of a task");
}

}  // namespace
}  // namespace weft::sync
