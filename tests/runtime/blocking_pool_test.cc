// Tests of weft::Blocking in simulation, where it runs its function on the
// spot. The pool's threads are tested in tests/stress/.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/blocking_pool.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace weft {
namespace {

TEST(BlockingTest, RunsOnTheSpotInASimulation) {
  testing::Simulator sim;
  bool other_ran = false;
  auto other = [](bool& ran) -> Task<> {
    ran = true;
    co_return;
  };
  auto run = [&]() -> Task<std::thread::id> {
    sim.Spawn(other(other_ran));
    auto get_id = [] { return std::this_thread::get_id(); };
    absl::StatusOr<std::thread::id> ran_on = co_await Blocking(get_id);
    EXPECT_FALSE(other_ran);
    co_return *ran_on;
  };

  EXPECT_EQ(*sim.Run(run()), std::this_thread::get_id());
}

TEST(BlockingTest, LetsOthersHaveATurnAfterManyCallsInASimulation) {
  testing::Simulator sim;
  bool done = false;
  auto other = [&done]() -> Task<> {
    done = true;
    co_return;
  };
  auto run = [&]() -> Task<int> {
    sim.Spawn(other());
    int calls = 0;
    auto call = [&calls] { ++calls; };
    while (!done && calls < 100'000) {
      const absl::Status called = co_await Blocking(call);
      EXPECT_EQ(called, absl::OkStatus());
    }
    co_return calls;
  };

  EXPECT_LT(*sim.Run(run()), 200);
}

TEST(BlockingTest, GivesWhatTheFunctionReturns) {
  testing::Simulator sim;
  auto run = []() -> Task<std::string> {
    auto give = [] { return std::string("value"); };
    absl::StatusOr<std::string> value = co_await Blocking(give);
    co_return *value;
  };

  EXPECT_EQ(*sim.Run(run()), "value");
}

TEST(BlockingTest, GivesOkForAFunctionThatReturnsNothing) {
  testing::Simulator sim;
  int calls = 0;
  auto run = [&]() -> Task<absl::Status> {
    auto call = [&calls] { ++calls; };
    absl::Status status = co_await Blocking(call);
    co_return status;
  };

  EXPECT_TRUE(sim.Run(run()).ok());
  EXPECT_EQ(calls, 1);
}

TEST(BlockingTest, GivesTheFunctionsOwnErrorAsIfItWereTheWaits) {
  testing::Simulator sim;
  auto run = []() -> Task<absl::StatusOr<int>> {
    auto fail = [] {
      return absl::StatusOr<int>(absl::NotFoundError("no such file"));
    };
    int value = co_await OrReturn(Blocking(fail));
    ADD_FAILURE() << "went on with " << value;
    co_return value;
  };

  EXPECT_EQ(sim.Run(run()).status(), absl::NotFoundError("no such file"));
}

TEST(BlockingTest, TakesAndGivesWhatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto run = []() -> Task<int> {
    auto pass_on = [held = std::make_unique<int>(9)]() mutable {
      return std::move(held);
    };
    absl::StatusOr<std::unique_ptr<int>> given =
        co_await Blocking(std::move(pass_on));
    co_return **given;
  };

  EXPECT_EQ(*sim.Run(run()), 9);
}

TEST(BlockingTest, ThrowsWhatEscapesFromTheFunction) {
  testing::Simulator sim;
  auto run = []() -> Task<std::string> {
    auto fail = []() -> int { throw std::runtime_error("thrown"); };
    try {
      static_cast<void>(co_await Blocking(fail));
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  };

  EXPECT_EQ(*sim.Run(run()), "thrown");
}

TEST(BlockingTest, ThrowsWhatEscapesFromAFunctionThatReturnsNothing) {
  testing::Simulator sim;
  auto run = [&]() -> Task<absl::StatusOr<std::string>> {
    auto fail = [] { throw std::runtime_error("thrown"); };
    try {
      co_await OrReturn(Blocking(fail));
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  };

  EXPECT_EQ(*sim.Run(run()), "thrown");
}

TEST(BlockingTest, DoesNotBeginInACancelledScope) {
  testing::Simulator sim;
  int calls = 0;
  auto run = [&]() -> Task<absl::Status> {
    auto call = [&calls] { ++calls; };
    absl::Status status = co_await Blocking(call);
    co_return status;
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(run());

  task.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.BlockingJoin(), CancelledError());
  EXPECT_EQ(calls, 0);
}

TEST(BlockingTest, GivesItsRealResultWhenItIsCancelledMeanwhile) {
  testing::Simulator sim;
  JoinHandle<absl::StatusOr<int>> task;
  auto run = [&]() -> Task<absl::StatusOr<int>> {
    auto cancel_and_give = [&task] {
      task.Cancel();
      return 5;
    };
    absl::StatusOr<int> five = co_await Blocking(cancel_and_give);
    co_return five;
  };
  task = sim.SpawnJoinable(run());

  sim.RunUntilIdle();

  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.BlockingJoin(), absl::StatusOr<int>(5));
}

}  // namespace
}  // namespace weft
