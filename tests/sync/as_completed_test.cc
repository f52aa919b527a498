// Tests of AsCompleted: results in the order in which they come, and nobody is
// left behind.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/as_completed.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::Journal;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

class AsCompletedTest : public SeededTest {};
INSTANTIATE_TEST_SUITE_P(Any, AsCompletedTest, Schedules(), ScheduleName);

using Result = absl::StatusOr<int>;
using Results = Completions<Result>;

Task<Result> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

// Tasks of so many seconds each.
std::vector<Task<Result>> Sleepers(std::vector<int> seconds) {
  std::vector<Task<Result>> tasks;
  for (int each : seconds) {
    tasks.push_back(GiveAfter(absl::Seconds(each), each));
  }
  return tasks;
}

// Writes down "place: result" for each.
Task<absl::Status> WriteDown(Results& results, Journal& journal) {
  while (auto next = co_await OrReturn(results.Next())) {
    journal.push_back(absl::StrCat(next->index, ": ",
                                   next->result.ok() ? *next->result : -1));
  }
  co_return absl::OkStatus();
}

TEST_P(AsCompletedTest, GivesResultsInTheOrderInWhichTheyCome) {
  Journal journal;
  auto body = [&](Results& results) { return WriteDown(results, journal); };

  EXPECT_EQ(sim_.Run(AsCompleted(Sleepers({3, 1, 2}), body)), absl::OkStatus());

  EXPECT_THAT(journal, ElementsAre("1: 1", "2: 2", "0: 3"));
}

TEST_P(AsCompletedTest, OfNothingIsOverAtOnce) {
  Journal journal;
  auto body = [&](Results& results) { return WriteDown(results, journal); };

  EXPECT_EQ(sim_.Run(AsCompleted(Sleepers({}), body)), absl::OkStatus());

  EXPECT_TRUE(journal.empty());
}

TEST_P(AsCompletedTest, GivesWhatTheBodyGave) {
  auto first = [](Results& results) -> Task<Result> {
    EXPECT_EQ(results.left(), 2u);
    auto next = co_await OrReturn(results.Next());
    EXPECT_EQ(results.left(), 1u);
    co_return next->result;
  };

  EXPECT_EQ(sim_.Run(AsCompleted(Sleepers({2, 1}), first)), Result(1));
}

TEST_P(AsCompletedTest, CancelsAndAwaitsTheRestWhenTheBodyLeaves) {
  Journal journal;
  auto sleep = [](Journal& journal, int seconds) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::Seconds(seconds));
    co_await Yield();  // A clean-up that takes a turn.
    journal.push_back(slept.ok() ? "done" : "cancelled");
  };
  std::vector<Task<>> tasks;
  for (int seconds : {1, 100, 200}) tasks.push_back(sleep(journal, seconds));
  auto one = [&](Completions<void>& results) -> Task<absl::Status> {
    auto next = co_await OrReturn(results.Next());
    journal.push_back(absl::StrCat("got ", next->index));
    co_return absl::OkStatus();
  };
  auto main = [&]() -> Task<absl::Status> {
    absl::Status status = co_await AsCompleted(std::move(tasks), one);
    journal.push_back("all over");
    co_return status;
  };

  EXPECT_EQ(sim_.Run(main()), absl::OkStatus());

  EXPECT_THAT(journal, ElementsAre("done", "got 0", "cancelled", "cancelled",
                                   "all over"));
}

TEST_P(AsCompletedTest, AnErrorOfATaskIsAResultAndOneOfTheBodyIsTheEnd) {
  auto fail = []() -> Task<Result> {
    co_await Yield();
    co_return absl::NotFoundError("nothing there");
  };
  std::vector<Task<Result>> tasks = Sleepers({1});
  tasks.push_back(fail());
  auto body = [](Results& results) -> Task<absl::Status> {
    auto next = co_await OrReturn(results.Next());
    EXPECT_TRUE(absl::IsNotFound(next->result.status()));
    next = co_await OrReturn(results.Next());
    EXPECT_EQ(next->result, Result(1));
    co_return absl::DataLossError("the body's");
  };

  EXPECT_EQ(sim_.Run(AsCompleted(std::move(tasks), body)),
            absl::DataLossError("the body's"));
}

Task<int> ThrowAfter(int seconds) {
  absl::Status slept = co_await SleepFor(absl::Seconds(seconds));
  if (seconds == 2) throw std::runtime_error(slept.ok() ? "two" : "cut short");
  co_return seconds;
}

std::vector<Task<int>> OneThrows() {
  std::vector<Task<int>> tasks;
  for (int seconds : {3, 2, 1}) tasks.push_back(ThrowAfter(seconds));
  return tasks;
}

TEST_P(AsCompletedTest, AnExceptionIsThrownInItsTurnAndTheOthersGoOn) {
  Journal journal;
  auto body = [&](Completions<int>& results) -> Task<absl::Status> {
    while (results.left() > 0) {
      try {
        auto next = co_await OrReturn(results.Next());
        journal.push_back(absl::StrCat(next->result));
      } catch (const std::runtime_error& error) {
        journal.push_back(error.what());
      }
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim_.Run(AsCompleted(OneThrows(), body)), absl::OkStatus());

  EXPECT_THAT(journal, ElementsAre("1", "two", "3"));
}

TEST_P(AsCompletedTest, AnExceptionThatTheBodyDidNotComeToIsNotDropped) {
  auto one = [](Completions<int>& results) -> Task<absl::Status> {
    auto next = co_await OrReturn(results.Next());
    EXPECT_EQ(next->result, 1);
    co_return absl::OkStatus();
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    try {
      absl::Status status = co_await AsCompleted(OneThrows(), one);
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "cut short");
}

TEST_P(AsCompletedTest, GivesWhatCanOnlyBeMoved) {
  auto make = [](int n) -> Task<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(n);
  };
  std::vector<Task<std::unique_ptr<int>>> tasks;
  for (int i : {1, 2, 3}) tasks.push_back(make(i));
  auto add = [](Completions<std::unique_ptr<int>>& results) -> Task<Result> {
    int sum = 0;
    while (auto next = co_await OrReturn(results.Next())) sum += *next->result;
    co_return sum;
  };

  EXPECT_EQ(sim_.Run(AsCompleted(std::move(tasks), add)), Result(6));
}

TEST_P(AsCompletedTest, AWaitThatIsCutShortHasTakenNothing) {
  Journal journal;
  auto body = [&](Results& results) -> Task<absl::Status> {
    auto early = co_await WithTimeout(absl::Milliseconds(1), results.Next());
    EXPECT_TRUE(absl::IsDeadlineExceeded(early.status()));
    co_return co_await WriteDown(results, journal);
  };

  EXPECT_EQ(sim_.Run(AsCompleted(Sleepers({2, 1}), body)), absl::OkStatus());

  EXPECT_THAT(journal, ElementsAre("1: 1", "0: 2"));
}

// As everywhere: a task that is cancelled already gets nothing, ready or not.
TEST_P(AsCompletedTest, ACancelledTaskIsNotToldOfTheEnd) {
  auto body = [](Results& results) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(absl::IsCancelled(slept));
    auto next = co_await results.Next();
    co_return next.status();
  };
  auto handle = sim_.SpawnJoinable(AsCompleted(Sleepers({}), body));
  sim_.RunFor(absl::Seconds(1));

  handle.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(handle.BlockingJoin()));
}

TEST_P(AsCompletedTest, CancellationReachesTheBodyAndEveryTask) {
  Census census;
  auto hold = [](Census& census) -> Task<absl::Status> {
    Counted local(census);
    co_return co_await SleepFor(absl::InfiniteDuration());
  };
  std::vector<Task<absl::Status>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(hold(census));
  auto body = [](Completions<absl::Status>& results) -> Task<absl::Status> {
    auto next = co_await OrReturn(results.Next());
    co_return next->result;
  };
  auto handle = sim_.SpawnJoinable(AsCompleted(std::move(tasks), body));
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(census.alive(), 3);

  handle.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(handle.BlockingJoin()));
  EXPECT_EQ(census.alive(), 0);
}

TEST_P(AsCompletedTest, DiesWithItsRuntime) {
  Journal journal;
  auto body = [&](Results& results) { return WriteDown(results, journal); };
  {
    testing::Simulator sim;
    sim.Spawn(AsCompleted(Sleepers({1, 1000, 2000}), body));
    sim.RunFor(absl::Minutes(1));
    EXPECT_TRUE(sim.AnyTasks());
  }
  EXPECT_THAT(journal, ElementsAre("0: 1"));
}

}  // namespace
}  // namespace weft::sync
