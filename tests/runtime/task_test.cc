// Tests of weft::Task: laziness, results, exceptions, a flat stack, and the
// patterns that a compiler could get wrong.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
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

TEST(TaskTest, DestroysItsLocalsBeforeTheAwaiterGoesOn) {
  testing::Simulator sim;
  Journal journal;
  auto child = [](Journal& into) -> Task<> {
    Mourned outer(into, "outer");
    Mourned inner(into, "inner");
    co_await Yield();
  };
  auto parent = [&]() -> Task<> {
    co_await child(journal);
    journal.push_back("parent");
  };

  EXPECT_TRUE(sim.Run(parent()).ok());

  EXPECT_THAT(journal, ElementsAre("inner", "outer", "parent"));
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
    co_return;
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

// --- Patterns that users will write ---
//
// g++ 12 destroys some objects around a co_await twice and others never; which
// ones, was found by trying. These are the patterns that we tell users are safe
// (CONTRIBUTING has the others). Each is tried with a task that ends at once
// and with one that suspends, and every object must die once.

constexpr std::array<bool, 2> kAtOnceAndSuspending = {false, true};

Task<> Pause(bool suspend) {
  if (suspend) co_await Yield();
}

Task<int> TakeByValue(bool suspend, Counted argument) {
  co_await Pause(suspend);
  co_return argument.number();
}

Task<int> TakeByReference(bool suspend, const Counted& argument) {
  co_await Pause(suspend);
  co_return argument.number();
}

Task<int> TakeBox(bool suspend, std::unique_ptr<Counted> argument) {
  co_await Pause(suspend);
  co_return argument->number();
}

Task<Counted> Make(bool suspend, Census& census, int number) {
  co_await Pause(suspend);
  co_return Counted(census, number);
}

// Runs `body`, which is written for a suspending callee or not, to its end in
// both forms, and wants nothing alive afterwards.
template <typename Body>
void ExpectEveryoneToDieOnce(Body body) {
  for (const bool suspend : kAtOnceAndSuspending) {
    SCOPED_TRACE(suspend ? "suspending" : "at once");
    Census census;
    testing::Simulator sim;

    EXPECT_TRUE(sim.Run(body(suspend, census)).ok());

    EXPECT_GT(census.made, 0);
    EXPECT_EQ(census.alive(), 0);
  }
}

TEST(TaskPatternTest, AClassTemporaryAsAnArgument) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    int by_value = co_await TakeByValue(suspend, Counted(census, 1));
    int by_reference = co_await TakeByReference(suspend, Counted(census, 2));
    EXPECT_EQ(by_value, 1);
    EXPECT_EQ(by_reference, 2);
  });
}

TEST(TaskPatternTest, ANamedArgumentCopiedAndMoved) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    Counted named(census, 1);
    int copied = co_await TakeByValue(suspend, named);
    int moved = co_await TakeByValue(suspend, std::move(named));
    EXPECT_EQ(copied, 1);
    EXPECT_EQ(moved, 1);
  });
}

TEST(TaskPatternTest, AUniquePointerAsAnArgument) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    int made_there =
        co_await TakeBox(suspend, std::make_unique<Counted>(census, 1));
    auto box = std::make_unique<Counted>(census, 2);
    int handed_over = co_await TakeBox(suspend, std::move(box));
    EXPECT_EQ(made_there, 1);
    EXPECT_EQ(handed_over, 2);
    EXPECT_EQ(box, nullptr);
  });
}

TEST(TaskPatternTest, AResultInANamedVariable) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    Counted made = co_await Make(suspend, census, 7);
    EXPECT_EQ(made.number(), 7);
  });
}

TEST(TaskPatternTest, AResultNobodyKeeps) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    static_cast<void>(co_await Make(suspend, census, 7));
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, AResultPassedOnAsAnArgument) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    Counted made = co_await Make(suspend, census, 7);
    int taken = co_await TakeByValue(suspend, std::move(made));
    EXPECT_EQ(taken, 7);
  });
}

TEST(TaskPatternTest, ANamedLambdaThatCapturesByValue) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    auto lambda = [suspend, captured = Counted(census, 7)]() -> Task<int> {
      co_await Pause(suspend);
      co_return captured.number();
    };
    int first = co_await lambda();
    int second = co_await lambda();
    EXPECT_EQ(first, 7);
    EXPECT_EQ(second, 7);
  });
}

template <typename Function>
Task<int> CallIt(bool suspend, Function function) {
  co_await Pause(suspend);
  co_return function();
}

TEST(TaskPatternTest, ANamedLambdaAsAnArgument) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    auto lambda = [captured = Counted(census, 7)] { return captured.number(); };
    int copied = co_await CallIt(suspend, lambda);
    int moved = co_await CallIt(suspend, std::move(lambda));
    EXPECT_EQ(copied, 7);
    EXPECT_EQ(moved, 7);
  });
}

TEST(TaskPatternTest, ATaskMadeFirstAndAwaitedLater) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    auto made = CallIt(
        suspend, [captured = Counted(census, 7)] { return captured.number(); });
    int called = co_await std::move(made);
    EXPECT_EQ(called, 7);
  });
}

TEST(TaskPatternTest, StructuredBindings) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    auto make_pair = [](bool pause,
                        Census& into) -> Task<std::pair<Counted, Counted>> {
      co_await Pause(pause);
      co_return std::pair(Counted(into, 1), Counted(into, 2));
    };
    auto [first, second] = co_await make_pair(suspend, census);
    co_await Pause(suspend);
    EXPECT_EQ(first.number(), 1);
    EXPECT_EQ(second.number(), 2);
  });
}

TEST(TaskPatternTest, StructuredBindingsDieWithASuspendedTask) {
  Census census;
  auto make_pair = [](Census& into) -> Task<std::pair<Counted, Counted>> {
    co_return std::pair(Counted(into, 1), Counted(into, 2));
  };
  auto hold = [&]() -> Task<> {
    auto [first, second] = co_await make_pair(census);
    for (;;) {
      co_await Yield();
      EXPECT_EQ(first.number() + second.number(), 3);
    }
  };
  {
    testing::Simulator sim;
    sim.Spawn(hold());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(sim.RunOneStep());
    EXPECT_EQ(census.alive(), 2);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(TaskPatternTest, AnExceptionInAnArgumentOfTheAwaitedCall) {
  struct Thrower {
    static Counted Throw(Census& census) {
      if (census.made > 0) throw std::runtime_error("no argument");
      return Counted(census);
    }
  };
  auto take_two = [](bool suspend, Counted, Counted) -> Task<int> {
    co_await Pause(suspend);
    co_return 7;
  };
  ExpectEveryoneToDieOnce([&](bool suspend, Census& census) -> Task<> {
    Counted local(census, 1);
    bool thrown = false;
    try {
      int taken = co_await take_two(suspend, local, Thrower::Throw(census));
      EXPECT_EQ(taken, 0) << "it cannot get here";
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(census.alive(), 1);
  });
}

TEST(TaskPatternTest, AnExceptionOutOfTheAwaitedTask) {
  auto fail = [](bool suspend, Counted argument) -> Task<Counted> {
    Counted local = argument;
    co_await Pause(suspend);
    if (local.number() == 7) throw std::runtime_error("broken");
    co_return local;
  };
  ExpectEveryoneToDieOnce([&](bool suspend, Census& census) -> Task<> {
    bool thrown = false;
    try {
      Counted made = co_await fail(suspend, Counted(census, 7));
      EXPECT_EQ(made.number(), 0) << "it cannot get here";
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, AnAwaitInAWhileCondition) {
  auto count_down = [](bool suspend, Counted argument,
                       int& left) -> Task<std::optional<Counted>> {
    co_await Pause(suspend);
    if (--left < 0) co_return std::nullopt;
    co_return argument;
  };
  ExpectEveryoneToDieOnce([&](bool suspend, Census& census) -> Task<> {
    int left = 3;
    int turns = 0;
    while (std::optional<Counted> item =
               co_await count_down(suspend, Counted(census, 1), left)) {
      turns += item->number();
    }
    EXPECT_EQ(turns, 3);
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, AnAwaitInAForCondition) {
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    int turns = 0;
    for (int i = 0; i < co_await TakeByValue(suspend, Counted(census, 3));
         ++i) {
      ++turns;
    }
    EXPECT_EQ(turns, 3);
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, OrReturnInADeclarationAndInAWhileCondition) {
  auto next = [](bool suspend, Counted argument,
                 int& left) -> Task<absl::StatusOr<int>> {
    co_await Pause(suspend);
    co_return left -= argument.number();
  };
  ExpectEveryoneToDieOnce([&](bool suspend, Census& census) -> Task<> {
    auto all = [&](Counted held) -> Task<absl::StatusOr<int>> {
      int left = 4;
      int turns = 0;
      while (int n = co_await OrReturn(
                 next(suspend, Counted(census, held.number()), left))) {
        turns += n > 0 ? 1 : 100;
      }
      Counted local(census, turns);
      int more = co_await OrReturn(next(suspend, held, left));
      co_return local.number() + more;
    };
    absl::StatusOr<int> counted = co_await all(Counted(census, 1));
    EXPECT_EQ(*counted, 3 - 1);
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, OrReturnEndsThreeLevelsAndEveryLocalDiesOnce) {
  struct Levels {
    static Task<absl::StatusOr<int>> Down(bool suspend, int depth,
                                          Counted argument) {
      Counted local = argument;
      co_await Pause(suspend);
      if (depth == 0) {
        int never = co_await OrReturn(
            absl::StatusOr<int>(absl::NotFoundError("at the bottom")));
        co_return never;
      }
      int below =
          co_await OrReturn(Down(suspend, depth - 1, std::move(argument)));
      co_return below + local.number();
    }
  };
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    absl::StatusOr<int> ended =
        co_await Levels::Down(suspend, 3, Counted(census, 1));
    EXPECT_EQ(ended.status(), absl::NotFoundError("at the bottom"));
    EXPECT_EQ(census.alive(), 0);
  });
}

TEST(TaskPatternTest, ADefaultArgumentAndAConstParameter) {
  struct Callee {
    static Task<int> Run(bool suspend, const Counted argument,
                         std::string word = std::string(100, 'x')) {
      co_await Pause(suspend);
      co_return argument.number() + static_cast<int>(word.size());
    }
  };
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    int sum = co_await Callee::Run(suspend, Counted(census, 7));
    EXPECT_EQ(sum, 107);
  });
}

TEST(TaskPatternTest, AMemberFunctionOfAnObjectThatOutlivesTheAwait) {
  struct Service {
    Counted state;
    std::map<int, int> answers;
    Task<int> Ask(bool suspend, int question) {
      co_await Pause(suspend);
      co_return answers[question] += state.number();
    }
  };
  ExpectEveryoneToDieOnce([](bool suspend, Census& census) -> Task<> {
    Service service{Counted(census, 21), {}};
    int first = co_await service.Ask(suspend, 1);
    int second = co_await service.Ask(suspend, 1);
    EXPECT_EQ(first, 21);
    EXPECT_EQ(second, 42);
  });
}

TEST(TaskPatternTest, ALocalMovedIntoTheResult) {
  auto move_out = [](bool suspend, Census& census) -> Task<Counted> {
    Counted local(census, 7);
    co_await Pause(suspend);
    co_return std::move(local);  // NOLINT: a move, and not an elided copy.
  };
  ExpectEveryoneToDieOnce([&](bool suspend, Census& census) -> Task<> {
    Counted made = co_await move_out(suspend, census);
    EXPECT_EQ(made.number(), 7);
    EXPECT_EQ(census.alive(), 1);
  });
}

}  // namespace
}  // namespace weft
