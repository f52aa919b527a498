// Tests of WithScope: children, errors, cancellation, nesting.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/scope.h"

#include <memory>
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
#include "weft/runtime/deadline.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
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

// Sleeps, then gives `result`, or CANCELLED if it was woken before.
Task<absl::Status> GiveAfter(absl::Duration pause, absl::Status result) {
  co_await OrReturn(SleepFor(pause));
  co_return result;
}

// Sleeps for ever; says how it was woken.
Task<absl::Status> Sleep(Journal& journal, std::string name) {
  absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
  journal.push_back(name +
                    (absl::IsCancelled(slept) ? " cancelled" : " woken"));
  co_return slept;
}

Task<> ThrowAfter(absl::Duration pause, std::string text) {
  absl::Status slept = co_await SleepFor(pause);
  if (slept.ok()) throw std::runtime_error(text);
}

Task<> Note(Journal& journal, std::string word) {
  journal.push_back(std::move(word));
  co_return;
}

// What `task` throws, as text.
template <typename T>
Task<std::string> TextThrownBy(Task<T> task) {
  std::string text = "nothing thrown";
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  co_return text;
}

const absl::Status kBroken = absl::InternalError("broken");

// --- Results ---

TEST(ScopeTest, GivesWhatItsBodyGave) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    absl::Status of_void =
        co_await WithScope([&](Scope&) -> Task<> { co_return; });
    absl::Status of_status = co_await WithScope(
        [&](Scope&) -> Task<absl::Status> { co_return absl::OkStatus(); });
    absl::StatusOr<int> of_int =
        co_await WithScope([&](Scope&) -> Task<int> { co_return 7; });
    absl::StatusOr<int> of_status_or = co_await WithScope(
        [&](Scope&) -> Task<absl::StatusOr<int>> { co_return 8; });
    EXPECT_TRUE(of_void.ok());
    EXPECT_TRUE(of_status.ok());
    EXPECT_EQ(*of_int, 7);
    EXPECT_EQ(*of_status_or, 8);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(ScopeTest, GivesResultsThatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::StatusOr<int>> {
    std::unique_ptr<int> made = co_await OrReturn(
        WithScope([&](Scope& scope) -> Task<std::unique_ptr<int>> {
          scope.Spawn(GiveAfter(absl::Seconds(1), absl::OkStatus()));
          co_return std::make_unique<int>(7);
        }));
    co_return *made;
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(ScopeTest, EndsWhenItsLastChildHas) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(GiveAfter(absl::Hours(1), absl::OkStatus()));
      scope.Spawn(GiveAfter(absl::Hours(3), absl::OkStatus()));
      scope.Spawn(GiveAfter(absl::Hours(2), absl::OkStatus()));
      co_return;
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_GE(sim.now() - begin, absl::Hours(3));
  EXPECT_LT(sim.now() - begin, absl::Hours(4));
}

TEST(ScopeTest, EndsWithItsBodyWhereThereAreNoChildren) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    Spawn(Note(journal, "another task")).Detach();
    absl::Status ended = co_await WithScope([&](Scope&) -> Task<> {
      journal.push_back("body");
      co_return;
    });
    journal.push_back(ended.ok() ? "ended" : "failed");
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(journal, ElementsAre("body", "ended", "another task"));
}

TEST(ScopeTest, ChildrenBorrowFromTheCallerOfTheScope) {
  testing::Simulator sim;
  auto add = [](int& sum, int n) -> Task<> {
    co_await Yield();
    sum += n;
  };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    int sum = 0;
    co_await OrReturn(WithScope([&](Scope& scope) -> Task<> {
      for (int i = 1; i <= 1000; ++i) scope.Spawn(add, std::ref(sum), i);
      co_return;
    }));
    co_return sum;
  };

  EXPECT_EQ(*sim.Run(main()), 500'500);
}

TEST(ScopeTest, KeepsTheClosureOfAChildAliveAsLongAsItsCoroutine) {
  testing::Simulator sim;
  auto captured = std::make_shared<std::string>("captured");
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn([captured, &journal]() -> Task<> {
        co_await Yield();
        journal.push_back(*captured);
      });
      co_return;
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("captured"));
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(ScopeTest, EverythingOfAChildIsGoneWhenTheScopeEnds) {
  testing::Simulator sim;
  Journal journal;
  auto child = [](Journal& into, std::unique_ptr<Mourned>) -> Task<> {
    Mourned local(into, "local");
    co_await Yield();
  };
  auto main = [&]() -> Task<> {
    absl::Status ended = co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(child, std::ref(journal),
                  std::make_unique<Mourned>(journal, "argument"));
      co_return;
    });
    journal.push_back(ended.ok() ? "ended" : "failed");
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("local", "argument", "ended"));
}

TEST(ScopeTest, AChildMayHaveSiblingsAfterTheBodyHasEnded) {
  testing::Simulator sim;
  Journal journal;
  auto elder = [](Scope& scope, Journal& into) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::Hours(1));
    EXPECT_TRUE(slept.ok());
    scope.Spawn(Note(into, "younger"));
    into.push_back("elder");
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(elder(scope, journal));
      co_return;
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("elder", "younger"));
}

// --- Errors ---

TEST(ScopeTest, TheFirstErrorOfAChildCancelsTheOthersAndTheBody) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(journal, "sibling"));
      scope.Spawn(GiveAfter(absl::Seconds(1), kBroken));
      absl::Status slept = co_await Sleep(journal, "body");
      co_return slept;
    });
  };

  absl::Status ended = sim.Run(main());

  EXPECT_EQ(ended, kBroken);  // CANCELLED of the others is no error.
  EXPECT_THAT(AllErrors(ended), ElementsAre(kBroken));
  EXPECT_THAT(journal,
              UnorderedElementsAre("sibling cancelled", "body cancelled"));
}

TEST(ScopeTest, AnErrorOfTheBodyCancelsTheChildren) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(journal, "child"));
      co_await OrReturn(GiveAfter(absl::Seconds(1), kBroken));
      co_return absl::OkStatus();
    });
  };

  EXPECT_EQ(sim.Run(main()), kBroken);
  EXPECT_THAT(journal, ElementsAre("child cancelled"));
}

TEST(ScopeTest, AnErrorOfAChildReplacesTheValueOfTheBody) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::StatusOr<int>> { co_return kBroken; };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithScope([&](Scope& scope) -> Task<int> {
      scope.Spawn(fail);
      co_return 7;
    });
  };

  EXPECT_EQ(sim.Run(main()).status(), kBroken);
}

TEST(ScopeTest, TwoErrorsInOneScopeAreBothKept) {
  testing::Simulator sim;
  // The second fails while it cleans up after the first.
  auto second = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(absl::IsCancelled(slept));
    co_return absl::DataLossError("could not flush");
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(second());
      scope.Spawn(GiveAfter(absl::Seconds(1), kBroken));
      co_return;
    });
  };

  absl::Status ended = sim.Run(main());

  EXPECT_EQ(ended.code(), kBroken.code());
  EXPECT_THAT(AllErrors(ended),
              ElementsAre(kBroken, absl::DataLossError("could not flush")));
}

TEST(ScopeTest, ErrorsOfBodyAndChildAreBothKept) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithScope(
        [&](Scope& scope) -> Task<absl::StatusOr<int>> {
          scope.Spawn(GiveAfter(absl::Seconds(1), kBroken));
          absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
          EXPECT_TRUE(absl::IsCancelled(slept));
          co_return absl::DataLossError("no value");
        });
  };

  EXPECT_THAT(AllErrors(sim.Run(main()).status()),
              ElementsAre(kBroken, absl::DataLossError("no value")));
}

// Or else a timeout, a cancelled scope and RunMain would take it for none.
TEST(ScopeTest, CancelledOfOneChildHidesNoErrorOfAnother) {
  testing::Simulator sim;
  auto flush = []() -> Task<absl::Status> {
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
    co_await Yield();  // It says so when the body has said CANCELLED.
    co_return absl::DataLossError("could not flush");
  };
  auto work = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(flush());
      co_return co_await SleepFor(absl::InfiniteDuration());
    });
  };
  auto main = [&]() -> Task<absl::Status> {
    absl::Status ended = co_await WithTimeout(absl::Seconds(1), work());
    co_return ended;
  };

  const absl::Status ended = sim.Run(main());

  EXPECT_EQ(ended.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(
      AllErrors(ended),
      ElementsAre(absl::DataLossError("could not flush"), CancelledError()));
}

// --- Exceptions ---

TEST(ScopeTest, AnExceptionOfAChildCancelsTheOthersAndIsThrown) {
  testing::Simulator sim;
  Journal journal;
  auto scope = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Sleep(journal, "sibling"));
      scope.Spawn(ThrowAfter(absl::Seconds(1), "broken"));
      co_return;
    });
  };

  EXPECT_EQ(*sim.Run(TextThrownBy(scope())), "broken");
  EXPECT_THAT(journal, ElementsAre("sibling cancelled"));
}

TEST(ScopeTest, AnExceptionOfTheBodyIsThrownWhenTheChildrenHaveEnded) {
  testing::Simulator sim;
  Journal journal;
  auto scope = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(journal, "child"));
      co_await ThrowAfter(absl::Seconds(1), "broken");
      co_return absl::OkStatus();
    });
  };

  EXPECT_EQ(*sim.Run(TextThrownBy(scope())), "broken");
  EXPECT_THAT(journal, ElementsAre("child cancelled"));
}

TEST(ScopeTest, OfTwoExceptionsTheFirstIsThrown) {
  testing::Simulator sim;
  auto stubborn = []() -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    throw std::runtime_error(slept.ok() ? "woken" : "second");
  };
  auto scope = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(stubborn());
      scope.Spawn(ThrowAfter(absl::Seconds(1), "first"));
      co_return;
    });
  };

  EXPECT_EQ(*sim.Run(TextThrownBy(scope())), "first");
}

TEST(ScopeTest, AnExceptionOutOfTheFunctionOfAChildReachesWhoSpawns) {
  testing::Simulator sim;
  Census census;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      auto refuse = [counted = Counted(census)]() -> Task<> {
        if (counted.number() == 0) throw std::runtime_error("no child today");
        return ThrowAfter(absl::ZeroDuration(), "never");
      };
      try {
        scope.Spawn(std::move(refuse));
      } catch (const std::runtime_error&) {
        co_return absl::UnavailableError("no child");
      }
      co_return absl::OkStatus();
    });
  };

  EXPECT_EQ(sim.Run(main()), absl::UnavailableError("no child"));
  EXPECT_EQ(census.alive(), 0);
}

// --- Cancellation ---

TEST(ScopeTest, AChildSpawnedIntoACancelledScopeBeginsCancelled) {
  testing::Simulator sim;
  Journal journal;
  auto late = [](Journal& into) -> Task<> {
    into.push_back(IsCancelled() ? "begins cancelled" : "begins");
    co_return;
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Cancel();
      scope.Spawn(late, std::ref(journal));
      scope.Spawn(Sleep(journal, "sleeper"));
      co_return;
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("begins cancelled", "sleeper cancelled"));
}

TEST(ScopeTest, CancelEndsTheChildrenAndIsNoError) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithScope([&](Scope& scope) -> Task<int> {
      scope.Spawn(Sleep(journal, "heartbeat"));
      co_await Yield();
      scope.Cancel();
      scope.Cancel();
      co_return 7;
    });
  };

  absl::StatusOr<int> ended = sim.Run(main());

  EXPECT_EQ(ended.status(), absl::OkStatus());
  EXPECT_EQ(*ended, 7);
  EXPECT_THAT(journal, ElementsAre("heartbeat cancelled"));
}

TEST(ScopeTest, AChildMayCancelTheScope) {
  testing::Simulator sim;
  Journal journal;
  auto ender = [](Scope& scope) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    EXPECT_TRUE(slept.ok());
    scope.Cancel();
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Sleep(journal, "child"));
      scope.Spawn(ender(scope));
      absl::Status slept = co_await Sleep(journal, "body");
      EXPECT_TRUE(absl::IsCancelled(slept));
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal,
              UnorderedElementsAre("child cancelled", "body cancelled"));
}

TEST(ScopeTest, WhatTheBodyGivesStandsAlsoWhenItIsCancelled) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Cancel();
      absl::Status slept = co_await SleepFor(absl::Seconds(1));
      co_return slept;
    });
  };

  EXPECT_TRUE(absl::IsCancelled(sim.Run(main())));
}

TEST(ScopeTest, AnErrorAfterCancelIsStillAnError) {
  testing::Simulator sim;
  auto fail_to_clean_up = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(absl::IsCancelled(slept));
    co_return kBroken;
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(fail_to_clean_up());
      co_await Yield();
      scope.Cancel();
    });
  };

  EXPECT_EQ(sim.Run(main()), kBroken);
}

TEST(ScopeTest, CancellingTheCallerCancelsBodyAndChildrenAndStillWaits) {
  testing::Simulator sim;
  Journal journal;
  auto slow_to_end = [](Journal& into) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    absl::Status flushed =
        co_await Shield(GiveAfter(absl::Hours(1), absl::OkStatus()));
    into.push_back(flushed.ok() ? "child flushed" : "child lost");
    co_return slept;
  };
  auto main = [&]() -> Task<absl::Status> {
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(slow_to_end(journal));
          absl::Status slept = co_await Sleep(journal, "body");
          co_return slept;
        });
    journal.push_back("scope ended");
    co_return ended;
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Seconds(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_THAT(journal,
              ElementsAre("body cancelled", "child flushed", "scope ended"));
}

TEST(ScopeTest, AChildThatWasCancelledFromOutsideMakesTheScopeCancelled) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Sleep(journal, "child"));
      co_return;
    });
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Seconds(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

TEST(ScopeTest, InACancelledTaskBodyAndChildrenRunCancelled) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      journal.push_back(IsCancelled() ? "body cancelled" : "body");
      scope.Spawn(Sleep(journal, "child"));
      co_return;
    });
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_THAT(journal, ElementsAre("body cancelled", "child cancelled"));
}

TEST(ScopeTest, TheCallersOwnScopeIsNotTouchedByTheCancellationOfAScope) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    absl::Status ended =
        co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
          scope.Spawn(GiveAfter(absl::Seconds(1), kBroken));
          co_return absl::OkStatus();
        });
    EXPECT_EQ(ended, kBroken);
    EXPECT_FALSE(IsCancelled());
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    EXPECT_TRUE(slept.ok());
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

// --- Nesting ---

TEST(ScopeTest, AnErrorEndsItsOwnScopeAndNotTheOneAround) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& outer) -> Task<absl::Status> {
      outer.Spawn(GiveAfter(absl::Hours(1), absl::OkStatus()));
      absl::Status inner = co_await WithScope([&](Scope& scope) -> Task<> {
        scope.Spawn(GiveAfter(absl::Seconds(1), kBroken));
        co_return;
      });
      EXPECT_EQ(inner, kBroken);
      EXPECT_FALSE(IsCancelled());
      co_return absl::OkStatus();
    });
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(ScopeTest, AnErrorOutsideCancelsTheChildrenOfAScopeInside) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& outer) -> Task<absl::Status> {
      outer.Spawn(GiveAfter(absl::Seconds(1), kBroken));
      absl::Status inner =
          co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
            scope.Spawn(Sleep(journal, "inner child"));
            absl::Status slept = co_await Sleep(journal, "inner body");
            co_return slept;
          });
      EXPECT_TRUE(absl::IsCancelled(inner));
      co_return inner;
    });
  };

  EXPECT_EQ(sim.Run(main()), kBroken);
  EXPECT_THAT(journal, UnorderedElementsAre("inner child cancelled",
                                            "inner body cancelled"));
}

Task<absl::Status> Nest(int depth) {
  if (depth == 0) co_return kBroken;
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(Nest(depth - 1));
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    co_return slept;
  });
}

TEST(ScopeTest, AnErrorClimbsThroughManyScopes) {
  testing::Simulator sim;

  EXPECT_EQ(sim.Run(Nest(1000)), kBroken);
}

// --- Schedules ---

// Some children fail; whatever the order, all are counted, the error is the
// first one's, and nothing is left.
TEST(ScopeTest, HoldsInEverySchedule) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    testing::Simulator sim(seed);
    Census census;
    auto child = [](Counted counted, int turns) -> Task<absl::Status> {
      for (int i = 0; i < turns; ++i) co_await Yield();
      co_await OrReturn(SleepFor(absl::Microseconds(100 * counted.number())));
      if (counted.number() % 4 == 3) co_return kBroken;
      co_return absl::OkStatus();
    };
    auto main = [&]() -> Task<absl::Status> {
      co_return co_await WithScope([&](Scope& scope) -> Task<> {
        for (int i = 0; i < 20; ++i) {
          scope.Spawn(child, Counted(census, i), i % 3);
          if (i % 5 == 0) co_await Yield();
        }
      });
    };

    absl::Status ended = sim.Run(main());

    EXPECT_EQ(ended.code(), kBroken.code());
    for (const absl::Status& error : AllErrors(ended)) {
      EXPECT_EQ(error, kBroken);
    }
    EXPECT_EQ(census.alive(), 0);
    EXPECT_FALSE(sim.AnyTasks());
  }
}

// --- Broken contracts ---

TEST(ScopeDeathTest, ChildrenAreSpawnedByACoroutineAndNotBeforeTheScopeBegins) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<> {
    absl::Status ended = co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Note(journal, "too early"));
      return Note(journal, "body");  // A plain function that makes a task.
    });
    EXPECT_TRUE(ended.ok());
  };
  sim.Spawn(main());

  EXPECT_DEATH(sim.RunUntilIdle(), "before the scope has begun");
}

}  // namespace
}  // namespace weft
