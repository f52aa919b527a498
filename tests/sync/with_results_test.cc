// Tests of WithResults: the body gets what the pipeline gives, and nothing goes
// on when it has left.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/with_results.h"

#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/transform.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::weft::tests::Journal;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

using Result = absl::StatusOr<int>;

class WithResultsTest : public SeededTest {
 protected:
  int running_ = 0;

  // Takes the longer the smaller the element is, within every five.
  auto Squarer() {
    return [this](int element) { return Square(element); };
  }

 private:
  Task<Result> Square(int element) {
    ++running_;
    absl::Status slept = co_await SleepFor(absl::Seconds(5 - element % 5));
    --running_;
    co_await OrReturn(slept);
    co_return element* element;
  }
};
INSTANTIATE_TEST_SUITE_P(Any, WithResultsTest, Schedules(), ScheduleName);

// Says how it ended, by waiting.
AsyncGenerator<int> Count(int last, Journal& journal) {
  for (int i = 0; i < last; ++i) {
    co_await Yield();
    const bool wanted = co_yield Offer(i);
    if (!wanted) break;
  }
  absl::Status slept = co_await SleepFor(absl::Seconds(1));
  journal.push_back(slept.ok() ? "cleaned up" : "cut short");
}

TEST_P(WithResultsTest, EndsWhenTheBodyHasSeenEnough) {
  Journal journal;
  auto first_two = [](auto& results) -> Task<Result> {
    int sum = 0;
    for (int i = 0; i < 2; ++i) {
      auto next = co_await OrReturn(results.Next());
      sum += *next;
    }
    co_return sum;
  };

  EXPECT_EQ(sim_.Run(WithResults(Transform(Count(100, journal), 4, Squarer()),
                                 first_two)),
            Result(1));

  EXPECT_EQ(running_, 0);
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

// Otherwise it would take the error for the end, and be content.
TEST_P(WithResultsTest, ABodyIsNotToldOfAnEndWhereACallHasFailed) {
  bool content = false;
  auto fail = [](int element) -> Task<Result> {
    co_await Yield();
    if (element == 3) co_return absl::DataLossError("the third");
    co_return element;
  };
  auto body = [&content](auto& results) -> Task<absl::Status> {
    while (auto next = co_await OrReturn(results.Next())) co_await Yield();
    content = true;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(
      sim_.Run(WithResults(Transform(std::views::iota(0, 9), 2, fail), body)),
      absl::DataLossError("the third"));

  EXPECT_FALSE(content);
}

// Whom no cancellation reaches is told of the failure all the same.
TEST_P(WithResultsTest, AShieldedBodyDoesNotWaitForACallThatHasFailed) {
  std::string told;
  auto fail_first = [](int element) -> Task<Result> {
    co_await Yield();
    if (element == 1) co_return absl::DataLossError("the first");
    co_return element;
  };
  auto body = [&told](auto& results) -> Task<absl::Status> {
    for (;;) {
      auto next = co_await Shield(results.Next());
      told = absl::StatusCodeToString(next.status().code());
      if (!next.ok()) co_return next.status();
      if (!next->has_value()) co_return absl::OkStatus();
    }
  };
  auto handle = sim_.SpawnJoinable(
      WithResults(Transform(std::views::iota(1, 4), 2, fail_first), body));

  sim_.RunUntilIdle();

  ASSERT_TRUE(handle.finished());
  EXPECT_EQ(handle.BlockingJoin(), absl::DataLossError("the first"));
  EXPECT_EQ(told, "CANCELLED");
}

TEST_P(WithResultsTest, AShieldedBodyDoesNotWaitForASourceThatHasThrown) {
  bool over = false;
  auto count = []() -> AsyncGenerator<int> {
    co_yield 1;
    co_await Yield();
    throw std::runtime_error("the source is dry");
  };
  auto body = [&over](auto& results) -> Task<absl::Status> {
    for (;;) {
      auto next = co_await Shield(results.Next());
      over = absl::IsCancelled(next.status());
      if (!next.ok()) co_return next.status();
      if (!next->has_value()) co_return absl::OkStatus();
    }
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    auto ones = Transform(count(), 2, Squarer());
    auto again = Transform(std::move(ones), 3, Squarer());
    try {
      absl::Status status = co_await WithResults(std::move(again), body);
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };
  auto handle = sim_.SpawnJoinable(main());

  sim_.RunUntilIdle();

  ASSERT_TRUE(handle.finished());
  EXPECT_EQ(*handle.BlockingJoin(), "the source is dry");
  EXPECT_TRUE(over);
}

TEST_P(WithResultsTest, WhatCallsSayWhenTheBodyHasLeftIsDropped) {
  auto complain = [](int element) -> Task<Result> {
    absl::Status slept = co_await SleepFor(absl::Seconds(element));
    if (!slept.ok()) co_return absl::UnavailableError("as it was stopped");
    co_return element;
  };
  auto first = [](auto& results) -> Task<Result> {
    auto next = co_await OrReturn(results.Next());
    co_return *next;
  };

  EXPECT_EQ(sim_.Run(WithResults(Transform(std::views::iota(1, 9), 3, complain),
                                 first)),
            Result(1));
}

TEST_P(WithResultsTest, WhatCallsThrowWhenTheBodyHasLeftIsNotDropped) {
  auto complain = [](int element) -> Task<Result> {
    absl::Status slept = co_await SleepFor(absl::Seconds(element));
    if (!slept.ok()) throw std::runtime_error("cut short");
    co_return element;
  };
  auto first = [](auto& results) -> Task<Result> {
    auto next = co_await OrReturn(results.Next());
    co_return *next;
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    auto results = Transform(std::views::iota(1, 9), 3, complain);
    try {
      Result result = co_await WithResults(std::move(results), first);
      what = result.status().ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "cut short");
}

TEST_P(WithResultsTest, AnErrorThatTheBodyDoesNotMindIsNotDropped) {
  auto fail = [](int element) -> Task<Result> {
    co_await Yield();
    if (element == 2) co_return absl::DataLossError("the second");
    co_return element;
  };
  auto count = [](auto& results) -> Task<Result> {
    int seen = 0;
    for (;;) {
      auto next = co_await results.Next();
      if (!next.ok()) co_return seen;
      ++seen;
    }
  };

  EXPECT_EQ(
      sim_.Run(WithResults(Transform(std::views::iota(1, 9), 1, fail), count)),
      Result(absl::DataLossError("the second")));
}

TEST_P(WithResultsTest, GivesWhatCanOnlyBeMoved) {
  auto pack = [](auto& results) -> Task<absl::StatusOr<std::unique_ptr<int>>> {
    auto next = co_await OrReturn(results.Next());
    co_return std::make_unique<int>(*next);
  };

  auto packed = sim_.Run(
      WithResults(Transform(std::views::iota(3, 9), 2, Squarer()), pack));

  EXPECT_EQ(**packed, 9);
}

TEST_P(WithResultsTest, IsCancelledWithItsCaller) {
  Journal journal;
  auto all = [](auto& results) -> Task<absl::Status> {
    while (auto next = co_await OrReturn(results.Next())) co_await Yield();
    co_return absl::OkStatus();
  };
  auto handle = sim_.SpawnJoinable(
      WithResults(Transform(Count(100, journal), 3, Squarer()), all));
  sim_.RunFor(absl::Seconds(7));

  handle.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(handle.BlockingJoin()));
  EXPECT_EQ(running_, 0);
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

}  // namespace
}  // namespace weft::sync
