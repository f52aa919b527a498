// Tests of WhenAny: the first wins, the losers are cancelled, and nothing that
// anybody got is lost.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/when_any.h"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
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
using tests::Census;
using tests::Counted;
using tests::Journal;

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

TEST(WhenAnyTest, SaysWhichCompletedFirstAndCancelsTheOthers) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Hours(2), 1),
                                GiveAfter(absl::Hours(1), 2),
                                GiveAfter(absl::InfiniteDuration(), 3));
    EXPECT_EQ(any.first, 1u);
    EXPECT_TRUE(absl::IsCancelled(std::get<0>(any.outcomes).status()));
    EXPECT_EQ(*std::get<1>(any.outcomes), 2);
    EXPECT_TRUE(absl::IsCancelled(std::get<2>(any.outcomes).status()));
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_LT(sim.now() - begin, absl::Hours(2));
}

TEST(WhenAnyTest, TakesAVector) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(GiveAfter(absl::Hours(5 - i), i));
    }
    auto any = co_await WhenAny(std::move(tasks));
    EXPECT_EQ(any.first, 4u);
    EXPECT_EQ(any.outcomes.size(), 5u);
    EXPECT_EQ(*any.outcomes[4], 4);
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(absl::IsCancelled(any.outcomes[i].status()));
    }
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAnyTest, ATaskThatCompletesAtOnceWinsAndTheOthersBeginCancelled) {
  testing::Simulator sim;
  auto ask = []() -> Task<bool> { co_return IsCancelled(); };
  auto give = []() -> Task<int> { co_return 7; };
  auto main = [&]() -> Task<> {
    auto any = co_await WhenAny(give(), ask());
    EXPECT_EQ(any.first, 0u);
    EXPECT_EQ(std::get<0>(any.outcomes), 7);
    EXPECT_TRUE(std::get<1>(any.outcomes));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAnyTest, OneTaskWinsAgainstNobody) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Seconds(1), 7));
    EXPECT_EQ(any.first, 0u);
    EXPECT_EQ(*std::get<0>(any.outcomes), 7);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAnyTest, AnErrorWinsLikeAnyResult) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::Status> {
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    co_return absl::NotFoundError("nothing there");
  };
  auto main = [&]() -> Task<> {
    auto any = co_await WhenAny(fail(), GiveAfter(absl::Hours(1), 7));
    EXPECT_EQ(any.first, 0u);
    EXPECT_EQ(std::get<0>(any.outcomes), absl::NotFoundError("nothing there"));
    EXPECT_TRUE(absl::IsCancelled(std::get<1>(any.outcomes).status()));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAnyTest, WhatALoserGotIsNotLost) {
  testing::Simulator sim;
  Census census;
  // Takes its item whatever happens.
  auto take = [](Census& into, absl::Duration pause, int n) -> Task<Counted> {
    absl::Status slept = co_await SleepFor(pause);
    EXPECT_EQ(slept.ok(), n == 1);
    co_return Counted(into, n);
  };
  auto main = [&]() -> Task<> {
    auto any = co_await WhenAny(take(census, absl::Seconds(1), 1),
                                take(census, absl::Hours(1), 2));
    EXPECT_EQ(any.first, 0u);
    EXPECT_EQ(std::get<0>(any.outcomes).number(), 1);
    EXPECT_EQ(std::get<1>(any.outcomes).number(), 2);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
  EXPECT_EQ(census.alive(), 0);
}

TEST(WhenAnyTest, WaitsForALoserThatCleansUp) {
  testing::Simulator sim;
  Journal journal;
  auto loser = [](Journal& into) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(absl::IsCancelled(slept));
    absl::StatusOr<int> cleaned = co_await Shield(GiveAfter(absl::Hours(1), 7));
    into.push_back(cleaned.ok() ? "cleaned up" : "cut short");
  };
  auto main = [&]() -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Seconds(1), 1), loser(journal));
    journal.push_back("all over");
    EXPECT_EQ(any.first, 0u);
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("cleaned up", "all over"));
}

TEST(WhenAnyTest, TheCallerIsNotCancelledByItsRace) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Seconds(1), 1),
                                GiveAfter(absl::Hours(1), 2));
    EXPECT_EQ(any.first, 0u);
    EXPECT_FALSE(IsCancelled());
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    EXPECT_TRUE(slept.ok());
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(WhenAnyTest, CancellationOfTheCallerReachesEveryTask) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Hours(1), 1),
                                GiveAfter(absl::Hours(2), 2));
    EXPECT_TRUE(absl::IsCancelled(std::get<0>(any.outcomes).status()));
    EXPECT_TRUE(absl::IsCancelled(std::get<1>(any.outcomes).status()));
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Seconds(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
}

TEST(WhenAnyTest, AnExceptionEndsTheRaceAndIsThrown) {
  testing::Simulator sim;
  Journal journal;
  auto fail = []() -> Task<> {
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    throw std::runtime_error(slept.ok() ? "broken" : "cancelled");
  };
  auto sleep = [](Journal& into) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    into.push_back(absl::IsCancelled(slept) ? "cancelled" : "woken");
  };
  auto main = [&]() -> Task<> {
    try {
      static_cast<void>(co_await WhenAny(sleep(journal), fail()));
    } catch (const std::runtime_error& error) {
      journal.push_back(error.what());
    }
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("cancelled", "broken"));
}

// Two that complete in one instant: exactly one is first, and it was not
// cancelled.
TEST(WhenAnyTest, OfTwoAtTheSameTimeOneIsFirstInEverySchedule) {
  bool first_won = false;
  bool second_won = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    testing::Simulator sim(seed);
    auto main = [&]() -> Task<> {
      auto any = co_await WhenAny(GiveAfter(absl::Seconds(1), 0),
                                  GiveAfter(absl::Seconds(1), 1),
                                  GiveAfter(absl::Hours(1), 2));
      EXPECT_LT(any.first, 2u);
      (any.first == 0 ? first_won : second_won) = true;
      const absl::StatusOr<int>& winner = any.first == 0
                                              ? std::get<0>(any.outcomes)
                                              : std::get<1>(any.outcomes);
      EXPECT_EQ(*winner, static_cast<int>(any.first));
      EXPECT_TRUE(absl::IsCancelled(std::get<2>(any.outcomes).status()));
    };

    EXPECT_TRUE(sim.Run(main()).ok());
  }

  EXPECT_TRUE(first_won);
  EXPECT_TRUE(second_won);
}

TEST(WhenAnyDeathTest, ARaceOfNobodyWouldNeverEnd) {
  EXPECT_DEATH(static_cast<void>(WhenAny(std::vector<Task<int>>())),
               "WhenAny of no tasks");
}

}  // namespace
}  // namespace weft
