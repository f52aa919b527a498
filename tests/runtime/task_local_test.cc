// Tests of weft::TaskLocal: inherited by children, hidden from siblings.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task_local.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Simulator;

constinit TaskLocal<std::string> name;
constinit TaskLocal<int> level;

std::string Name() { return name.Get() == nullptr ? "none" : *name.Get(); }
int Level() { return level.Get() == nullptr ? -1 : *level.Get(); }

using Seen = std::vector<std::string>;

Task<> Look(Seen& seen) {
  seen.push_back(Name());
  co_await Yield();
  seen.push_back(Name());
}

Task<> LookDeeper(Seen& seen) { co_await Look(seen); }

TEST(TaskLocalTest, IsUnboundAtFirstAndOutsideOfTasks) {
  Simulator sim;
  Seen seen;

  sim.Run(Look(seen)).IgnoreError();

  EXPECT_THAT(seen, ElementsAre("none", "none"));
  EXPECT_EQ(name.Get(), nullptr);
}

TEST(TaskLocalTest, IsSeenInsideAndNotAfterwards) {
  Simulator sim;
  Seen seen;

  sim.Spawn([&]() -> Task<> {
    co_await name.With("a", LookDeeper(seen));
    seen.push_back(Name());
  });
  sim.RunUntilIdle();

  EXPECT_THAT(seen, ElementsAre("a", "a", "none"));
}

TEST(TaskLocalTest, TheInnermostCountsAndOthersShowThrough) {
  Simulator sim;
  std::vector<std::pair<std::string, int>> seen;
  auto look = [&]() -> Task<> {
    seen.emplace_back(Name(), Level());
    co_return;
  };
  auto inner = [&]() -> Task<> {
    co_await name.With("b", look());
    co_await look();
  };
  auto outer = [&]() -> Task<> { co_await level.With(1, inner()); };

  sim.Spawn([&]() -> Task<> { co_await name.With("a", outer()); });
  sim.RunUntilIdle();

  EXPECT_THAT(seen, ElementsAre(std::pair("b", 1), std::pair("a", 1)));
}

TEST(TaskLocalTest, IsSeenThroughEveryKindOfScope) {
  Simulator sim;
  Seen seen;
  auto scope = [&](Scope& children) -> Task<absl::Status> {
    co_await Look(seen);
    children.Spawn(LookDeeper(seen));
    co_return absl::OkStatus();
  };
  auto limited = [&]() -> Task<absl::Status> {
    co_await Look(seen);
    co_return absl::OkStatus();
  };
  auto all = [&]() -> Task<> {
    co_await WhenAll(Look(seen), LookDeeper(seen));
    co_await Shield(Look(seen));
    std::ignore = co_await WithTimeout(absl::Seconds(1), limited());
    std::ignore = co_await WithScope(scope);
  };

  sim.Spawn([&]() -> Task<> { co_await name.With("a", all()); });
  sim.RunUntilIdle();

  EXPECT_EQ(seen, Seen(12, "a"));
}

TEST(TaskLocalTest, AChildKeepsWhatWasBoundAroundItsSpawn) {
  Simulator sim;
  Seen seen;
  auto late = [&]() -> Task<> {
    std::ignore = co_await SleepFor(absl::Seconds(1));
    seen.push_back(Name());
    Spawn(Look(seen)).Detach();  // And so do its own.
  };
  auto spawn = [&]() -> Task<> {
    Spawn(late()).Detach();
    co_return;
  };

  sim.Spawn([&]() -> Task<> {
    co_await name.With("a", spawn());
    co_await name.With("b", Look(seen));
  });
  sim.RunUntilIdle();

  EXPECT_THAT(seen, ElementsAre("b", "b", "a", "a", "a"));
}

TEST(TaskLocalTest, SiblingsSeeNothingOfEachOther) {
  Simulator sim;
  Seen seen;
  auto bound = [&]() -> Task<> { co_await name.With("a", Look(seen)); };

  sim.Spawn([&]() -> Task<> { co_await WhenAll(bound(), Look(seen)); });
  sim.RunUntilIdle();

  EXPECT_THAT(seen, ::testing::UnorderedElementsAre("a", "a", "none", "none"));
}

// A fork whose branches have never waited is announced to nobody.
TEST(TaskLocalTest, IsSeenInBranchesThatHaveNotWaited) {
  Simulator sim;
  Seen seen;
  auto look = [&]() -> Task<> {
    seen.push_back(Name());
    co_return;
  };
  auto inner = [&]() -> Task<> { co_await WhenAll(look(), look()); };
  auto outer = [&]() -> Task<> { co_await WhenAll(inner(), inner()); };

  sim.Spawn([&]() -> Task<> { co_await name.With("a", outer()); });
  sim.RunUntilIdle();

  EXPECT_EQ(seen, Seen(4, "a"));
}

TEST(TaskLocalTest, AValueDiesWithTheLastWhoSeesIt) {
  Simulator sim;
  TaskLocal<std::shared_ptr<int>> local;
  auto value = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = value;
  auto late = [&]() -> Task<> {
    std::ignore = co_await SleepFor(absl::Seconds(1));
    EXPECT_EQ(**local.Get(), 7);
  };
  auto spawn = [&]() -> Task<> {
    Spawn(late()).Detach();
    co_return;
  };

  sim.Spawn(
      [&]() -> Task<> { co_await local.With(std::move(value), spawn()); });
  sim.RunFor(absl::Milliseconds(1));
  EXPECT_FALSE(watched.expired());
  sim.RunUntilIdle();

  EXPECT_TRUE(watched.expired());
}

TEST(TaskLocalTest, AValueDiesWithItsRuntime) {
  const auto value = std::make_shared<int>(7);
  TaskLocal<std::shared_ptr<int>> local;
  {
    Simulator sim;
    auto wait = [&]() -> Task<> {
      Spawn([]() -> Task<> {
        std::ignore = co_await SleepFor(absl::Hours(1));
      }).Detach();
      std::ignore = co_await SleepFor(absl::Hours(1));
    };
    sim.Spawn([&]() -> Task<> { co_await local.With(value, wait()); });
    sim.RunFor(absl::Seconds(1));
    EXPECT_GT(value.use_count(), 1);
  }

  EXPECT_EQ(value.use_count(), 1);
}

constinit TaskLocal<int> generation;

Task<> Renew(int left) {
  if (left == 0) co_return;
  auto spawn = [](int next) -> Task<> {
    Spawn(Renew, next).Detach();
    co_return;
  };
  co_await generation.With(left, spawn(left - 1));
}

TEST(TaskLocalTest, AChainOfTasksKeepsNothingThatIsHidden) {
  Simulator sim;

  sim.Spawn(Renew(200'000));
  sim.RunUntilIdle();

  EXPECT_FALSE(sim.AnyTasks());
}

TEST(TaskLocalTest, AValueDiesWithItsTaskAndNotWithTheHandle) {
  Simulator sim;
  const auto value = std::make_shared<int>(7);
  TaskLocal<std::shared_ptr<int>> local;
  std::optional<JoinHandle<void>> handle;
  auto spawn = [&]() -> Task<> {
    handle.emplace(Spawn([]() -> Task<> { co_return; }));
    co_return;
  };

  sim.Spawn([&]() -> Task<> { co_await local.With(value, spawn()); });
  sim.RunUntilIdle();

  EXPECT_TRUE(handle->finished());
  EXPECT_EQ(value.use_count(), 1);
}

TEST(TaskLocalTest, ACancellationIsPassedOn) {
  Simulator sim;
  absl::Status inside;
  auto wait = [&]() -> Task<absl::Status> {
    inside = co_await SleepFor(absl::Hours(1));
    co_return inside;
  };

  auto task = sim.SpawnJoinable([&]() -> Task<absl::Status> {
    co_return co_await name.With("a", wait());
  });
  sim.RunFor(absl::Seconds(1));
  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(inside));
  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

TEST(TaskLocalTest, IsRightWhereverTheTaskIsCancelled) {
  auto look = []() -> Task<absl::Status> {
    const std::string before = Name();
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    co_return before == "a" && Name() == "a" ? absl::OkStatus()
                                             : absl::InternalError(Name());
  };
  auto start = [&]() -> Task<absl::Status> {
    co_await OrReturn(name.With("a", look()));
    JoinHandle<absl::Status> child = Spawn(look());
    const absl::Status unbound = co_await child.Join();
    co_return absl::IsInternal(unbound) ? absl::OkStatus() : unbound;
  };

  const absl::StatusOr<int> places = testing::CancelEverywhere(
      {.seeds = 100}, start,
      [](const absl::Status& ended, const testing::Interrupted&) {
        return absl::IsInternal(ended) ? ended : absl::OkStatus();
      });

  EXPECT_TRUE(places.ok()) << places.status();
}

}  // namespace
}  // namespace weft
