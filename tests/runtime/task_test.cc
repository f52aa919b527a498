// Tests of weft::Task: laziness, results, exceptions, and a flat stack.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

Task<int> Give(int n) { co_return n; }

TEST(TaskTest, RunsOnlyWhenAwaited) {
  testing::Simulator sim;
  bool ran = false;
  auto set = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };

  Task<> task = set(ran);
  EXPECT_FALSE(ran);
  EXPECT_TRUE(sim.Run(std::move(task)).ok());

  EXPECT_TRUE(ran);
}

TEST(TaskTest, GivesItsValueToTheAwaiter) {
  testing::Simulator sim;
  auto add = []() -> Task<int> {
    int a = co_await Give(20);
    int b = co_await Give(22);
    co_return a + b;
  };

  EXPECT_EQ(*sim.Run(add()), 42);
}

TEST(TaskTest, GivesMoveOnlyValues) {
  testing::Simulator sim;
  auto make = []() -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(7);
  };
  auto read = [&]() -> Task<int> {
    std::unique_ptr<int> made = co_await make();
    co_return *made;
  };

  EXPECT_EQ(*sim.Run(read()), 7);
}

TEST(TaskTest, ThrowsAnEscapedExceptionFromTheAwait) {
  testing::Simulator sim;
  auto fail = []() -> Task<int> {
    throw std::runtime_error("broken");
    co_return 1;
  };
  auto caller = [&]() -> Task<std::string> {
    try {
      co_await fail();
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  };

  EXPECT_EQ(*sim.Run(caller()), "broken");
}

// Notes its own end.
class Tracer {
 public:
  Tracer(std::vector<std::string>& log, std::string name)
      : log_(log), name_(std::move(name)) {}
  Tracer(const Tracer&) = delete;
  ~Tracer() { log_.push_back(name_); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};

TEST(TaskTest, DestroysItsLocalsBeforeTheAwaiterGoesOn) {
  testing::Simulator sim;
  std::vector<std::string> log;
  auto child = [](std::vector<std::string>& log) -> Task<> {
    Tracer outer(log, "outer");
    Tracer inner(log, "inner");
    co_await Yield();
  };
  auto parent = [&]() -> Task<> {
    co_await child(log);
    log.push_back("parent");
  };

  EXPECT_TRUE(sim.Run(parent()).ok());

  EXPECT_THAT(log, ElementsAre("inner", "outer", "parent"));
}

TEST(TaskTest, DestroysItsArgumentsWhenItNeverRuns) {
  auto counted = std::make_shared<int>(1);
  auto hold = [](std::shared_ptr<int> held) -> Task<int> { co_return *held; };

  {
    Task<int> never_run = hold(counted);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

constexpr int kMillion = 1'000'000;

TEST(TaskTest, AMillionAwaitsInALoopDoNotGrowTheStack) {
  testing::Simulator sim;
  auto loop = []() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < kMillion; ++i) sum += co_await Give(1);
    co_return sum;
  };

  EXPECT_EQ(*sim.Run(loop()), kMillion);
}

Task<int> Dive(int depth) {
  if (depth == 0) co_return 0;
  int below = co_await Dive(depth - 1);
  co_return below + 1;
}

TEST(TaskTest, AMillionNestedAwaitsDoNotGrowTheStack) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(Dive(kMillion)), kMillion);
}

Task<> DiveAndYield(int depth, int& destroyed) {
  struct Count {
    int& n;
    ~Count() { ++n; }
  } count{destroyed};
  if (depth == 0) {
    while (destroyed == 0) co_await Yield();
  }
  co_await DiveAndYield(depth - 1, destroyed);
}

TEST(TaskTest, DestroyingAMillionSuspendedNestedTasksDoesNotGrowTheStack) {
  int destroyed = 0;
  {
    testing::Simulator sim;
    sim.Spawn(DiveAndYield(kMillion, destroyed));
    auto turn = []() -> Task<> { co_await Yield(); };
    EXPECT_TRUE(sim.Run(turn()).ok());
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, kMillion + 1);
}

Task<absl::Status> DiveAndFail(int depth) {
  if (depth == 0) co_return absl::NotFoundError("at the bottom");
  co_await OrReturn(DiveAndFail(depth - 1));
  co_return absl::OkStatus();
}

TEST(TaskTest, AnErrorReturnsThroughAMillionCallersOnAFlatStack) {
  testing::Simulator sim;

  EXPECT_EQ(sim.Run(DiveAndFail(kMillion)),
            absl::NotFoundError("at the bottom"));
}

}  // namespace
}  // namespace weft
