// Tests of Race: the first one's result, and nobody left behind.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/race.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
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
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Census;
using tests::Counted;
using tests::Journal;

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

TEST(RaceTest, GivesWhatTheFirstGaveAndSaysWhichItWas) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<> {
    auto raced = co_await Race(GiveAfter(absl::Hours(2), 1),
                               GiveAfter(absl::Hours(1), 2),
                               GiveAfter(absl::InfiniteDuration(), 3));
    EXPECT_EQ(raced.first, 1u);
    EXPECT_EQ(raced.result, absl::StatusOr<int>(2));
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_LT(sim.now() - begin, absl::Hours(2));
}

TEST(RaceTest, TakesAVector) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(GiveAfter(absl::Hours(5 - i), i));
    }
    auto raced = co_await Race(std::move(tasks));
    EXPECT_EQ(raced.first, 4u);
    EXPECT_EQ(raced.result, absl::StatusOr<int>(4));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(RaceTest, SaysWhichOfTasksThatGiveNothingWasFirst) {
  testing::Simulator sim;
  auto nap = [](absl::Duration pause) -> Task<> {
    absl::Status slept = co_await SleepFor(pause);
    slept.IgnoreError();  // A loser's.
  };
  auto main = [&]() -> Task<> {
    auto pair = co_await Race(nap(absl::Hours(2)), nap(absl::Hours(1)));
    EXPECT_EQ(pair.first, 1u);
    std::vector<Task<>> naps;
    for (int hours : {3, 2, 1}) naps.push_back(nap(absl::Hours(hours)));
    auto raced = co_await Race(std::move(naps));
    EXPECT_EQ(raced.first, 2u);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(RaceTest, GivesAVariantWhereTheTypesDiffer) {
  testing::Simulator sim;
  auto word = []() -> Task<std::string> {
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    co_return slept.ok() ? "in time" : "too late";
  };
  auto main = [&]() -> Task<> {
    auto raced = co_await Race(GiveAfter(absl::Hours(1), 7), word(),
                               GiveAfter(absl::Hours(1), 8));
    EXPECT_EQ(raced.first, 1u);
    EXPECT_EQ(raced.result.index(), 1u);
    EXPECT_EQ(std::get<1>(raced.result), "in time");
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(RaceTest, AnErrorWinsLikeAnyResult) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::StatusOr<int>> {
    co_await Yield();
    co_return absl::NotFoundError("nothing there");
  };
  auto main = [&]() -> Task<> {
    auto raced = co_await Race(GiveAfter(absl::Hours(1), 7), fail());
    EXPECT_EQ(raced.first, 1u);
    EXPECT_TRUE(absl::IsNotFound(raced.result.status()));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(RaceTest, GivesWhatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto make = [](int n) -> Task<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(n);
  };
  auto main = [&]() -> Task<> {
    auto raced = co_await Race(make(1), make(2));
    EXPECT_EQ(*raced.result, static_cast<int>(raced.first) + 1);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(RaceTest, DropsWhatALoserGot) {
  testing::Simulator sim;
  Census census;
  auto take = [](Census& into, absl::Duration pause, int n) -> Task<Counted> {
    absl::Status slept = co_await SleepFor(pause);
    EXPECT_EQ(slept.ok(), n == 2);
    co_return Counted(into, n);
  };
  auto main = [&]() -> Task<> {
    auto raced = co_await Race(take(census, absl::Hours(1), 1),
                               take(census, absl::Seconds(1), 2),
                               take(census, absl::Hours(1), 3));
    EXPECT_EQ(raced.result.number(), 2);
    EXPECT_EQ(census.alive(), 1);
    std::vector<Task<Counted>> tasks;
    tasks.push_back(take(census, absl::Seconds(1), 2));
    tasks.push_back(take(census, absl::Hours(1), 1));
    auto again = co_await Race(std::move(tasks));
    EXPECT_EQ(again.result.number(), 2);
    EXPECT_EQ(census.alive(), 2);
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_EQ(census.alive(), 0);
}

TEST(RaceTest, WaitsForALoserThatCleansUp) {
  testing::Simulator sim;
  Journal journal;
  auto loser = [](Journal& into) -> Task<absl::StatusOr<int>> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    absl::StatusOr<int> cleaned = co_await Shield(GiveAfter(absl::Hours(1), 7));
    into.push_back(cleaned.ok() ? "cleaned up" : "cut short");
    co_return slept;
  };
  auto main = [&]() -> Task<> {
    auto raced = co_await Race(GiveAfter(absl::Seconds(1), 1), loser(journal));
    journal.push_back("all over");
    EXPECT_EQ(raced.first, 0u);
    EXPECT_FALSE(IsCancelled());
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("cleaned up", "all over"));
}

Task<int> ThrowAfter(absl::Duration pause, const char* what) {
  absl::Status slept = co_await SleepFor(pause);
  slept.IgnoreError();  // It throws all the same.
  throw std::runtime_error(what);
}

Task<int> SevenAfter(absl::Duration pause) {
  absl::Status slept = co_await SleepFor(pause);
  slept.IgnoreError();  // It gives all the same.
  co_return 7;
}

// What is thrown by a race of these two.
Task<std::string> ThrownBy(Task<int> first, Task<int> second) {
  std::string what = "nothing";
  try {
    static_cast<void>(co_await Race(std::move(first), std::move(second)));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  co_return what;
}

TEST(RaceTest, ThrowsTheExceptionOfTheWinnerBeforeThatOfALoser) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(ThrownBy(ThrowAfter(absl::Hours(1), "lost"),
                              ThrowAfter(absl::Seconds(1), "won"))),
            "won");
}

TEST(RaceTest, DoesNotDropTheExceptionOfALoser) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(ThrownBy(ThrowAfter(absl::Hours(1), "lost"),
                              SevenAfter(absl::Seconds(1)))),
            "lost");
}

// The bets are all gone in the end, wherever the race was cancelled.
struct RaceWorld {
  Census census;

  Task<absl::StatusOr<Counted>> RunFor(int rounds, int number) {
    Counted bet(census, number);
    for (int i = 0; i < rounds; ++i) {
      co_await OrReturn(CheckCancelled());
      co_await Yield();
    }
    co_return bet;
  }
  Task<absl::Status> Bet() {
    auto raced = co_await Race(RunFor(3, 3), RunFor(2, 2), RunFor(4, 4));
    Counted winner = co_await OrReturn(std::move(raced.result));
    if (winner.number() == 0) co_return absl::InternalError("moved from");
    co_return absl::OkStatus();
  }
};

TEST(RaceTest, LeavesNothingBehindWhereverItIsCancelled) {
  std::optional<RaceWorld> world;
  const int seeds = static_cast<int>(tests::Times(1'000));

  const absl::StatusOr<int> places = testing::CancelEverywhere(
      {.seeds = seeds},
      [&] {
        world.emplace();
        return world->Bet();
      },
      [&](const absl::Status& result, const testing::Interrupted& at) {
        if (world->census.alive() != 0) return absl::InternalError("a leak");
        if (at.undisturbed || !absl::IsCancelled(result)) return result;
        return absl::OkStatus();
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

TEST(RaceDeathTest, ARaceOfNobodyWouldNeverEnd) {
  EXPECT_DEATH(static_cast<void>(Race(std::vector<Task<int>>())),
               "Race of no tasks");
}

}  // namespace
}  // namespace weft
