// Tests of Shield: what is inside does not learn of a cancellation outside.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/shield.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Journal;
using tests::Mourned;

Task<absl::Status> Sleep(absl::Duration pause) {
  co_return co_await SleepFor(pause);
}

TEST(ShieldTest, GivesTheResultOfItsTask) {
  testing::Simulator sim;
  auto make = []() -> Task<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(7);
  };
  auto main = [&]() -> Task<int> {
    std::unique_ptr<int> made = co_await Shield(make());
    co_return *made;
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(ShieldTest, ACancellationDuringItDoesNotReachTheTask) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  absl::Status inside = absl::UnknownError("not there yet");
  absl::Status after;
  auto main = [&]() -> Task<> {
    inside = co_await Shield(Sleep(absl::Hours(1)));
    EXPECT_TRUE(IsCancelled());
    after = co_await SleepFor(absl::Hours(1));
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(inside.ok());
  EXPECT_TRUE(absl::IsCancelled(after));
  EXPECT_LT(sim.now() - begin, absl::Hours(2));
}

TEST(ShieldTest, ACancellationBeforeItDoesNotReachTheTask) {
  testing::Simulator sim;
  Journal journal;
  auto inside = [](Journal& into) -> Task<absl::Status> {
    into.push_back(IsCancelled() ? "cancelled" : "free");
    co_return co_await SleepFor(absl::Hours(1));
  };
  auto main = [&]() -> Task<> {
    EXPECT_TRUE(IsCancelled());
    absl::Status slept = co_await Shield(inside(journal));
    journal.push_back(slept.ok() ? "slept" : "cut short");
    EXPECT_TRUE(IsCancelled());
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(task.finished());
  EXPECT_THAT(journal, ElementsAre("free", "slept"));
}

TEST(ShieldTest, ProtectsEverythingInsideScopesToo) {
  testing::Simulator sim;
  auto inside = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(absl::Hours(1)));
      absl::Status slept = co_await SleepFor(absl::Hours(1));
      co_return slept;
    });
  };
  absl::Status ended = absl::UnknownError("not there yet");
  auto main = [&]() -> Task<> { ended = co_await Shield(inside()); };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(ended.ok());
}

TEST(ShieldTest, ATimeoutInsideBoundsIt) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  absl::Status inside;
  auto bounded = []() -> Task<absl::Status> {
    co_return co_await WithTimeout(absl::Minutes(1), Sleep(absl::Hours(1)));
  };
  auto main = [&]() -> Task<> { inside = co_await Shield(bounded()); };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsDeadlineExceeded(inside));
  EXPECT_LT(sim.now() - begin, absl::Hours(1));
}

TEST(ShieldTest, ATimeoutOutsideWaitsForIt) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  absl::Status inside = absl::UnknownError("not there yet");
  auto body = [](absl::Status& into) -> Task<absl::Status> {
    into = co_await Shield(Sleep(absl::Hours(1)));
    co_return co_await SleepFor(absl::Hours(1));
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(absl::Minutes(1), body(inside));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));

  EXPECT_TRUE(inside.ok());
  EXPECT_GE(sim.now() - begin, absl::Hours(1));
  EXPECT_LT(sim.now() - begin, absl::Hours(2));
}

TEST(ShieldTest, AnExceptionIsThrownFromTheAwait) {
  testing::Simulator sim;
  auto fail = []() -> Task<> {
    co_await Yield();
    throw std::runtime_error("broken");
  };
  auto main = [&]() -> Task<std::string> {
    std::string text = "nothing thrown";
    try {
      co_await Shield(fail());
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };

  EXPECT_EQ(*sim.Run(main()), "broken");
}

TEST(ShieldTest, EverythingOfTheTaskIsGoneWhenItReturns) {
  testing::Simulator sim;
  Journal journal;
  auto inside = [](Journal& into) -> Task<absl::Status> {
    Mourned local(into, "local");
    co_await OrReturn(absl::DataLossError("broken"));
    co_return absl::OkStatus();
  };
  auto main = [&]() -> Task<> {
    absl::Status ended = co_await Shield(inside(journal));
    journal.push_back(ended.ok() ? "ok" : "failed");
  };

  EXPECT_TRUE(sim.Run(main()).ok());

  EXPECT_THAT(journal, ElementsAre("local", "failed"));
}

// What a cancelled task waits for is what somebody who wonders why it does not
// end wants to see.
TEST(ShieldTest, IsSeenFromOutsideAlsoInACancelledTask) {
  testing::Simulator sim;
  TaskContext* context = nullptr;
  auto main = [&]() -> Task<> {
    context = internal::Here().context;
    absl::Status slept = co_await Shield(Sleep(absl::Hours(1)));
    EXPECT_TRUE(slept.ok());
  };
  JoinHandle<void> task = sim.SpawnJoinable(main());
  task.Cancel();
  sim.RunFor(absl::Minutes(1));

  int seen = 0;
  context->Look([&seen](Leaf& leaf) {
    EXPECT_EQ(leaf.Describe().kind, "join");
    ++seen;
  });

  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(context->cancelled());
  sim.RunUntilIdle();
  EXPECT_TRUE(task.finished());
}

}  // namespace
}  // namespace weft
