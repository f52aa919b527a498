// Tests of Transform: so many calls at a time, results in order, and nothing
// goes on when the pipeline has ended.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/transform.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <ranges>
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
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/parallel_for_each.h"
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

using Result = absl::StatusOr<int>;

class TransformTest : public SeededTest {
 protected:
  int running_ = 0;
  int most_ = 0;
  std::vector<int> stored_;

  // Takes the longer the smaller the element is, within every five.
  Task<Result> Square(int element) {
    most_ = std::max(most_, ++running_);
    absl::Status slept = co_await SleepFor(absl::Seconds(5 - element % 5));
    --running_;
    co_await OrReturn(slept);
    co_return element* element;
  }
  auto Squarer() {
    return [this](int element) { return Square(element); };
  }
  auto Store() {
    return [this](int element) -> Task<absl::Status> {
      stored_.push_back(element);
      co_return absl::OkStatus();
    };
  }
};
INSTANTIATE_TEST_SUITE_P(Any, TransformTest, Schedules(), ScheduleName);

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

TEST_P(TransformTest, GivesResultsInTheOrderOfTheElements) {
  auto squares = Transform(std::views::iota(0, 12), 4, Squarer());

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(squares), 1, Store())),
            absl::OkStatus());

  EXPECT_THAT(stored_,
              ElementsAre(0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121));
  EXPECT_EQ(most_, 4);
}

TEST_P(TransformTest, OfNothingGivesNothing) {
  auto squares = Transform(std::vector<int>(), 4, Squarer());

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(squares), 1, Store())),
            absl::OkStatus());

  EXPECT_TRUE(stored_.empty());
}

TEST_P(TransformTest, IsASourceOfAnother) {
  Journal journal;
  auto to_text = [](int element) -> Task<absl::StatusOr<std::string>> {
    co_await Yield();
    co_return absl::StrCat("<", element, ">");
  };
  auto to_number = [](std::string text) -> Task<Result> {
    co_await Yield();
    co_return static_cast<int>(text.size());
  };
  auto texts = Transform(Count(12, journal), 3, to_text);
  auto sizes = Transform(std::move(texts), 5, to_number);

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(sizes), 1, Store())),
            absl::OkStatus());

  EXPECT_THAT(stored_, ElementsAre(3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4));
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

TEST_P(TransformTest, DoesNothingBeforeSomebodyTakesTheResults) {
  Journal journal;
  {
    auto squares = Transform(Count(3, journal), 3, Squarer());
    sim_.RunUntilIdle();
  }

  EXPECT_EQ(most_, 0);
  EXPECT_TRUE(journal.empty());
}

TEST_P(TransformTest, DoesNotRunAheadOfWhoTakesTheResults) {
  int made = 0;
  auto count = [](int& made) -> AsyncGenerator<int> {
    for (;;) co_yield ++made;
  };
  auto same = [](int element) -> Task<Result> { co_return element; };
  auto hold = [](int) -> Task<absl::Status> {
    co_return co_await SleepFor(absl::InfiniteDuration());
  };
  auto first = Transform(count(made), 2, same);
  auto second = Transform(std::move(first), 3, same);
  JoinHandle<absl::Status> pipeline =
      sim_.SpawnJoinable(ParallelForEach(std::move(second), 1, hold));

  sim_.RunFor(absl::Hours(1));

  // One is held, three wait behind it, and two behind those.
  EXPECT_EQ(made, 6);
  pipeline.Cancel();
  sim_.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(pipeline.BlockingJoin()));
}

TEST_P(TransformTest, MovesWhatCanOnlyBeMoved) {
  auto make = [](int element) -> Task<absl::StatusOr<std::unique_ptr<int>>> {
    co_await Yield();
    co_return std::make_unique<int>(element);
  };
  auto look = [](std::unique_ptr<int> element) -> Task<Result> {
    co_await Yield();
    co_return *element;
  };
  auto made = Transform(std::views::iota(0, 4), 2, make);
  auto looked_at = Transform(std::move(made), 2, look);

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(looked_at), 1, Store())),
            absl::OkStatus());

  EXPECT_THAT(stored_, ElementsAre(0, 1, 2, 3));
}

TEST_P(TransformTest, AViewThatOwnsItsElementsOutlivesTheCalls) {
  std::vector<std::string> words = {std::string(50, 'a'), std::string(60, 'b')};
  auto measure = [](const std::string& word) -> Task<Result> {
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    co_return static_cast<int>(std::string(word).size());
  };
  auto any = [](const std::string& word) { return !word.empty(); };
  auto sizes =
      Transform(std::move(words) | std::views::filter(any), 4, measure);

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(sizes), 1, Store())),
            absl::OkStatus());

  EXPECT_THAT(stored_, ElementsAre(50, 60));
}

TEST_P(TransformTest, TheFirstErrorEndsThePipelineWithIt) {
  Journal journal;
  auto fail = [this](int element) -> Task<Result> {
    if (element == 7) co_return absl::DataLossError("the seventh");
    co_return co_await Square(element);
  };
  auto results = Transform(Count(100, journal), 4, fail);

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(results), 1, Store())),
            absl::DataLossError("the seventh"));

  EXPECT_EQ(running_, 0);
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

TEST_P(TransformTest, AnErrorOfWhoTakesTheResultsEndsThePipeline) {
  Journal journal;
  auto fail = [](int) -> Task<absl::Status> {
    co_await Yield();
    co_return absl::DataLossError("the disk is full");
  };
  auto squares = Transform(Count(100, journal), 4, Squarer());

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(squares), 1, fail)),
            absl::DataLossError("the disk is full"));

  EXPECT_EQ(running_, 0);
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

TEST_P(TransformTest, AnExceptionGoesThrough) {
  auto fail = [](int element) -> Task<Result> {
    co_await Yield();
    if (element == 3) throw std::runtime_error("the third");
    co_return element;
  };
  auto main = [&]() -> Task<std::string> {
    auto results = Transform(std::views::iota(0, 100), 2, fail);
    std::string what;
    try {
      absl::Status status =
          co_await ParallelForEach(std::move(results), 1, Store());
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "the third");
}

TEST_P(TransformTest, DiesWithItsRuntime) {
  Census census;
  Journal journal;
  auto hold = [&census](int element) -> Task<Result> {
    Counted local(census, element);
    co_await OrReturn(SleepFor(absl::Hours(element)));
    co_return element;
  };
  {
    testing::Simulator sim;
    auto held = Transform(Count(100, journal), 3, hold);
    auto again = Transform(std::move(held), 2, hold);
    sim.Spawn(ParallelForEach(std::move(again), 2, Store()));
    sim.RunFor(absl::Minutes(90));
    EXPECT_TRUE(sim.AnyTasks());
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(TransformDeathTest, NoCallsAtATimeHasNoEnd) {
  auto same = [](int element) -> Task<Result> { co_return element; };

  EXPECT_DEATH(static_cast<void>(Transform(std::vector<int>{1}, 0, same)),
               "no calls at a time");
}

TEST(TransformDeathTest, NobodyGetsResultsBeforeItIsStarted) {
  auto same = [](int element) -> Task<Result> { co_return element; };
  auto ask = [&]() -> Task<absl::Status> {
    auto results = Transform(std::vector<int>{1}, 2, same);
    auto next = co_await OrReturn(results.Next());
    co_return next.has_value() ? absl::OkStatus() : absl::InternalError("");
  };
  testing::Simulator sim;

  EXPECT_DEATH(sim.Run(ask()).IgnoreError(), "nobody has started");
}

}  // namespace
}  // namespace weft::sync
