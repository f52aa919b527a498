// Tests of weft::sync::Barrier: nobody goes on before all have arrived, phase
// after phase, and a cancelled arrival has not taken place.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/barrier.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/steps.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;

class BarrierTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, BarrierTest, Schedules(), ScheduleName);

Task<absl::StatusOr<std::uint64_t>> Arrive(Barrier& barrier) {
  co_return co_await barrier.ArriveAndWait();
}

TEST_P(BarrierTest, NobodyGoesOnBeforeAllHaveArrived) {
  Barrier barrier(3);
  auto first = sim_.SpawnJoinable(Arrive(barrier));
  auto second = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();
  EXPECT_FALSE(first.finished());
  EXPECT_FALSE(second.finished());

  EXPECT_EQ(*sim_.Run(Arrive(barrier)), 0u);
  sim_.RunUntilIdle();

  EXPECT_EQ(*first.BlockingJoin(), 0u);
  EXPECT_EQ(*second.BlockingJoin(), 0u);
}

// Each party counts its rounds; nobody is more than one ahead.
TEST_P(BarrierTest, KeepsThePartiesInStepPhaseAfterPhase) {
  constexpr int kParties = 4;
  constexpr int kPhases = 10;
  std::vector<std::uint64_t> completed;
  std::vector<int> rounds(kParties);
  Barrier barrier(kParties, [&] {
    completed.push_back(completed.size());
    for (const int each : rounds) {
      EXPECT_EQ(each, static_cast<int>(completed.size()))
          << "all have arrived, and none has gone on";
    }
  });
  auto party = [&](int name) -> Task<absl::Status> {
    for (std::uint64_t phase = 0; phase < kPhases; ++phase) {
      ++rounds[name];
      absl::StatusOr<std::uint64_t> passed = co_await barrier.ArriveAndWait();
      EXPECT_EQ(*passed, phase);
      EXPECT_GT(completed.size(), phase) << "the step was taken before";
    }
    co_return absl::OkStatus();
  };
  for (int name = 0; name < kParties; ++name) sim_.Spawn(party(name));

  sim_.RunUntilIdle();

  EXPECT_FALSE(sim_.AnyTasks());
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kPhases));
}

TEST_P(BarrierTest, OnePartyAloneNeverWaits) {
  int steps = 0;
  Barrier barrier(1, [&] { ++steps; });

  EXPECT_EQ(*sim_.Run(Arrive(barrier)), 0u);
  EXPECT_EQ(*sim_.Run(Arrive(barrier)), 1u);
  EXPECT_EQ(steps, 2);
}

TEST_P(BarrierTest, WhoDropsOutIsMissedNoMore) {
  int steps = 0;
  Barrier barrier(3, [&] { ++steps; });
  auto first = sim_.SpawnJoinable(Arrive(barrier));
  auto second = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();

  barrier.ArriveAndDrop();
  sim_.RunUntilIdle();
  EXPECT_TRUE(first.finished());
  EXPECT_EQ(steps, 1);
  auto again = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();
  EXPECT_FALSE(again.finished());

  EXPECT_EQ(*sim_.Run(Arrive(barrier)), 1u);
  EXPECT_EQ(steps, 2);
}

TEST_P(BarrierTest, TheLastToDropOutCompletesThePhase) {
  int steps = 0;
  Barrier barrier(2, [&] { ++steps; });

  barrier.ArriveAndDrop();
  EXPECT_EQ(steps, 0);
  barrier.ArriveAndDrop();

  EXPECT_EQ(steps, 1);
}

// --- Cancellation -----------------------------------------------------------

TEST_P(BarrierTest, WhoIsCancelledHasNotArrived) {
  Barrier barrier(2);
  auto victim = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();

  victim.Cancel();
  sim_.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(victim.BlockingJoin().status()));
  auto first = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();
  EXPECT_FALSE(first.finished());

  EXPECT_EQ(*sim_.Run(Arrive(barrier)), 0u);
}

TEST_P(BarrierTest, ACancellationAfterTheLastArrivalComesTooLate) {
  Barrier barrier(2);
  auto victim = sim_.SpawnJoinable(Arrive(barrier));
  sim_.RunUntilIdle();

  barrier.ArriveAndDrop();
  victim.Cancel();
  sim_.RunUntilIdle();

  EXPECT_EQ(*victim.BlockingJoin(), 0u);
}

Task<int> ArriveAgain(Barrier& barrier, Steps& steps) {
  int passed = 0;
  for (int i = 0; i < 3; ++i) {
    auto phase = co_await Stepped(steps, barrier.ArriveAndWait());
    if (!phase.ok()) {
      barrier.ArriveAndDrop();
      break;
    }
    ++passed;
  }
  co_return passed;
}

TEST_P(BarrierTest, ACancellationAtAnyStepKeepsNobodyWaiting) {
  for (int n = 1;; ++n) {
    Simulator sim({.seed = GetParam()});
    Barrier barrier(3);
    JoinHandle<int> victim;
    Steps steps(n, [&] { victim.Cancel(); });
    victim = sim.SpawnJoinable(ArriveAgain(barrier, steps));
    JoinHandle<int> second = sim.SpawnJoinable(ArriveAgain(barrier, steps));
    JoinHandle<int> third = sim.SpawnJoinable(ArriveAgain(barrier, steps));

    sim.RunUntilIdle();

    EXPECT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
    EXPECT_EQ(*second.BlockingJoin(), 3) << n;
    EXPECT_EQ(*third.BlockingJoin(), 3) << n;
    if (!steps.reached()) {
      EXPECT_EQ(*victim.BlockingJoin(), 3);
      break;
    }
  }
}

// --- A dump, the end of a runtime, misuse -----------------------------------

TEST_P(BarrierTest, AWaitSaysWhatItWaitsFor) {
  Barrier barrier(2);

  const WaitDescription seen =
      DescribeWaitOf(sim_, [&]() -> Task<absl::Status> {
        co_return (co_await barrier.ArriveAndWait()).status();
      });

  EXPECT_EQ(seen.kind, "barrier");
  EXPECT_EQ(seen.on, &barrier);
  barrier.ArriveAndDrop();
  sim_.RunUntilIdle();
}

TEST(BarrierTeardownTest, WhoDiesWithItsSimulationHasNotArrived) {
  Barrier barrier(2);
  std::optional<Simulator> sim(std::in_place);
  sim->Spawn(Arrive(barrier));
  sim->RunUntilIdle();

  sim.reset();

  Simulator survivor;
  auto first = survivor.SpawnJoinable(Arrive(barrier));
  survivor.RunUntilIdle();
  EXPECT_FALSE(first.finished());
  EXPECT_EQ(*survivor.Run(Arrive(barrier)), 0u);
}

TEST(BarrierDeathTest, MisuseSaysWhatIsWrong) {
  EXPECT_DEATH(Barrier(0), "one party or more");
  EXPECT_DEATH(
      {
        Barrier barrier(1);
        barrier.ArriveAndDrop();
        barrier.ArriveAndDrop();
      },
      "none left to miss");
}

TEST(BarrierDeathTest, ACompletionThatThrowsEndsTheProgram) {
  EXPECT_DEATH(
      {
        Simulator sim;
        Barrier barrier(1, [] { throw std::runtime_error("no way"); });
        sim.Run(Arrive(barrier)).IgnoreError();
      },
      "");
}

}  // namespace
}  // namespace weft::sync
