// Tests of ParallelForEach: every element once, so many at a time, and nobody
// is left behind.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/parallel_for_each.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::UnorderedElementsAre;
using ::weft::tests::Census;
using ::weft::tests::Counted;
using ::weft::tests::Journal;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

class ParallelForEachTest : public SeededTest {
 protected:
  // Calls that are in progress, and the most that ever were.
  int running_ = 0;
  int most_ = 0;
  std::vector<int> seen_;

  // A call that takes a while.
  Task<absl::Status> Visit(int element) {
    most_ = std::max(most_, ++running_);
    absl::Status slept = co_await SleepFor(absl::Seconds(1 + element % 3));
    --running_;
    co_await OrReturn(slept);
    seen_.push_back(element);
    co_return absl::OkStatus();
  }
  // The same, as ParallelForEach wants it.
  auto Visitor() {
    return [this](int element) { return Visit(element); };
  }
};
INSTANTIATE_TEST_SUITE_P(Any, ParallelForEachTest, Schedules(), ScheduleName);

AsyncGenerator<int> CountSlowlyTo(int last) {
  for (int i = 1; i <= last; ++i) {
    absl::Status slept = co_await SleepFor(absl::Milliseconds(1));
    slept.IgnoreError();  // It yields all the same.
    co_yield i;
  }
}

TEST_P(ParallelForEachTest, CallsForEveryElementOnce) {
  const std::vector<int> elements = {1, 2, 3, 4, 5, 6, 7};

  EXPECT_EQ(sim_.Run(ParallelForEach(elements, 3, Visitor())),
            absl::OkStatus());

  EXPECT_THAT(seen_, UnorderedElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_P(ParallelForEachTest, KeepsToItsLimitAndUsesIt) {
  EXPECT_EQ(sim_.Run(ParallelForEach(std::views::iota(0, 20), 4, Visitor())),
            absl::OkStatus());

  EXPECT_EQ(most_, 4);
  EXPECT_EQ(seen_.size(), 20u);
}

TEST_P(ParallelForEachTest, WithALimitOfOneIsALoop) {
  EXPECT_EQ(sim_.Run(ParallelForEach(std::views::iota(0, 5), 1, Visitor())),
            absl::OkStatus());

  EXPECT_EQ(most_, 1);
  EXPECT_THAT(seen_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(ParallelForEachTest, OfNothingDoesNothing) {
  EXPECT_EQ(sim_.Run(ParallelForEach(std::vector<int>(), 3, Visitor())),
            absl::OkStatus());
  EXPECT_EQ(sim_.Run(ParallelForEach(CountSlowlyTo(0), 3, Visitor())),
            absl::OkStatus());

  EXPECT_TRUE(seen_.empty());
}

TEST_P(ParallelForEachTest, TakesAnAsyncGenerator) {
  EXPECT_EQ(sim_.Run(ParallelForEach(CountSlowlyTo(9), 3, Visitor())),
            absl::OkStatus());

  EXPECT_EQ(most_, 3);
  EXPECT_EQ(seen_.size(), 9u);
}

TEST_P(ParallelForEachTest, DoesNotRunAheadOfItsCalls) {
  int made = 0;
  auto count = [](int& made) -> AsyncGenerator<int> {
    for (;;) co_yield ++made;
  };
  auto wait = [](int) { return SleepFor(absl::InfiniteDuration()); };
  auto wait_task = [&](int n) -> Task<absl::Status> {
    co_return co_await wait(n);
  };
  JoinHandle<absl::Status> calls =
      sim_.SpawnJoinable(ParallelForEach(count(made), 3, wait_task));

  sim_.RunFor(absl::Hours(1));

  EXPECT_EQ(made, 3);
  calls.Cancel();
  sim_.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(calls.BlockingJoin()));
}

TEST_P(ParallelForEachTest, TakesASynchronousGenerator) {
  auto numbers = []() -> Generator<int> {
    for (int i = 0; i < 5; ++i) co_yield i;
  };

  EXPECT_EQ(sim_.Run(ParallelForEach(numbers(), 2, Visitor())),
            absl::OkStatus());

  EXPECT_THAT(seen_, UnorderedElementsAre(0, 1, 2, 3, 4));
}

TEST_P(ParallelForEachTest, GivesTheElementsThatAreInTheRange) {
  std::vector<int> elements = {1, 2, 3};
  auto twice = [](int& element) -> Task<absl::Status> {
    co_await Yield();
    element *= 2;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim_.Run(ParallelForEach(elements, 2, twice)), absl::OkStatus());

  EXPECT_THAT(elements, ElementsAre(2, 4, 6));
}

TEST_P(ParallelForEachTest, MovesOutOfAContainerThatItOwns) {
  std::vector<std::unique_ptr<int>> elements;
  for (int i = 0; i < 4; ++i) elements.push_back(std::make_unique<int>(i));
  auto take = [this](std::unique_ptr<int> element) { return Visit(*element); };

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(elements), 2, take)),
            absl::OkStatus());

  EXPECT_THAT(seen_, UnorderedElementsAre(0, 1, 2, 3));
}

// The view ends before the last calls do: who asks it in vain must not take it
// with them.
TEST_P(ParallelForEachTest, AViewThatOwnsItsElementsOutlivesTheCalls) {
  std::vector<std::string> words = {std::string(50, 'a'), std::string(50, 'b')};
  std::vector<std::string> seen;
  auto visit = [&seen](const std::string& word) -> Task<absl::Status> {
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    seen.push_back(word);
    co_return absl::OkStatus();
  };
  auto any = [](const std::string& word) { return !word.empty(); };

  EXPECT_EQ(sim_.Run(ParallelForEach(std::move(words) | std::views::filter(any),
                                     4, visit)),
            absl::OkStatus());
  EXPECT_EQ(sim_.Run(ParallelForEach(std::views::single(std::string(50, 'c')),
                                     2, visit)),
            absl::OkStatus());

  EXPECT_THAT(seen,
              UnorderedElementsAre(std::string(50, 'a'), std::string(50, 'b'),
                                   std::string(50, 'c')));
}

TEST_P(ParallelForEachTest, LeavesTheElementsOfAViewOfOthers) {
  std::vector<std::string> words = {"one", "", "three"};
  std::vector<std::string> seen;
  auto take = [&seen](std::string word) -> Task<absl::Status> {
    seen.push_back(std::move(word));
    co_return absl::OkStatus();
  };
  auto any = [](const std::string& word) { return !word.empty(); };

  EXPECT_EQ(sim_.Run(ParallelForEach(words | std::views::filter(any), 2, take)),
            absl::OkStatus());

  EXPECT_THAT(seen, UnorderedElementsAre("one", "three"));
  EXPECT_THAT(words, ElementsAre("one", "", "three"));
}

TEST_P(ParallelForEachTest, ARangeThatHasThrownIsOver) {
  int asked = 0;
  auto fail = [&asked](int element) {
    ++asked;
    if (element == 2) throw std::runtime_error("the second");
    return element;
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    auto elements = std::views::iota(1) | std::views::transform(fail);
    try {
      absl::Status status = co_await ParallelForEach(elements, 3, Visitor());
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "the second");

  EXPECT_EQ(asked, 2);
  EXPECT_EQ(running_, 0);
}

// The call may keep a reference to what it was given: it lives as long.
TEST_P(ParallelForEachTest, KeepsAnElementAliveForItsCall) {
  Census census;
  auto make = [](Census& census) -> AsyncGenerator<Counted> {
    for (int i = 1; i <= 4; ++i) co_yield Counted(census, i);
  };
  auto look = [this](const Counted& element) -> Task<absl::Status> {
    co_await Yield();
    seen_.push_back(element.number());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim_.Run(ParallelForEach(make(census), 2, look)), absl::OkStatus());

  EXPECT_THAT(seen_, UnorderedElementsAre(1, 2, 3, 4));
  EXPECT_EQ(census.alive(), 0);
}

TEST_P(ParallelForEachTest, AMillionElementsNeedNoMoreTasksThanTheLimit) {
  long sum = 0;
  auto add = [&sum](int element) -> Task<absl::Status> {
    sum += element;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim_.Run(ParallelForEach(std::views::iota(0, 1'000'000), 8, add)),
            absl::OkStatus());

  EXPECT_EQ(sum, 499'999'500'000);
}

TEST_P(ParallelForEachTest, TheFirstErrorCancelsTheOthersAndBeginsNoMore) {
  Journal journal;
  auto fail_third = [&journal](int element) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::Seconds(element));
    if (element == 3) co_return absl::DataLossError("the third");
    journal.push_back(slept.ok() ? "done" : "cancelled");
    co_return slept;
  };

  // 1 and 2 end before 3 does; 4 and 5 have begun by then.
  EXPECT_EQ(sim_.Run(ParallelForEach(std::views::iota(1, 100), 3, fail_third)),
            absl::DataLossError("the third"));

  EXPECT_THAT(journal, ElementsAre("done", "done", "cancelled", "cancelled"));
}

TEST_P(ParallelForEachTest, KeepsTheErrorsOfOthersBesideTheFirst) {
  auto fail = [](int element) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::Seconds(element));
    if (slept.ok()) co_return absl::DataLossError("by itself");
    co_return absl::UnavailableError("as it was stopped");
  };

  const absl::Status status =
      sim_.Run(ParallelForEach(std::views::iota(1, 100), 2, fail));

  EXPECT_THAT(AllErrors(status),
              ElementsAre(absl::DataLossError("by itself"),
                          absl::UnavailableError("as it was stopped")));
}

TEST_P(ParallelForEachTest, AnExceptionOfACallGoesThrough) {
  auto fail = [](int element) -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(absl::Seconds(element));
    if (element == 2) throw std::runtime_error("the second");
    co_return slept;
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    try {
      absl::Status status =
          co_await ParallelForEach(std::views::iota(1, 100), 3, fail);
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "the second");
}

TEST_P(ParallelForEachTest, AnExceptionOfTheGeneratorGoesThrough) {
  auto fail = []() -> AsyncGenerator<int> {
    co_yield 1;
    throw std::runtime_error("the source is dry");
  };
  auto main = [&]() -> Task<std::string> {
    std::string what;
    try {
      absl::Status status = co_await ParallelForEach(fail(), 3, Visitor());
      what = status.ToString();
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };

  EXPECT_EQ(*sim_.Run(main()), "the source is dry");
  EXPECT_EQ(running_, 0);
}

// Says how it ended, by waiting.
AsyncGenerator<int> CleansUp(Journal& journal) {
  for (int i = 1;; ++i) {
    const bool wanted = co_yield Offer(i);
    if (!wanted) break;
  }
  absl::Status slept = co_await SleepFor(absl::Seconds(1));
  journal.push_back(slept.ok() ? "cleaned up" : "cut short");
}

TEST_P(ParallelForEachTest, ClosesItsGeneratorAfterAnError) {
  Journal journal;
  auto fail_third = [](int element) -> Task<absl::Status> {
    co_await Yield();
    co_return element == 3 ? absl::DataLossError("x") : absl::OkStatus();
  };

  EXPECT_EQ(sim_.Run(ParallelForEach(CleansUp(journal), 2, fail_third)),
            absl::DataLossError("x"));

  EXPECT_THAT(journal, ElementsAre("cleaned up"));
}

TEST_P(ParallelForEachTest, ClosesItsGeneratorWhenItIsCancelled) {
  Journal journal;
  JoinHandle<absl::Status> calls =
      sim_.SpawnJoinable(ParallelForEach(CleansUp(journal), 2, Visitor()));
  sim_.RunFor(absl::Seconds(10));

  calls.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(calls.BlockingJoin()));
  EXPECT_THAT(journal, ElementsAre("cleaned up"));
  EXPECT_EQ(running_, 0);
}

TEST_P(ParallelForEachTest, ACancelledWaitForAnElementEndsIt) {
  auto never = []() -> AsyncGenerator<int> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    slept.IgnoreError();
    co_yield 1;  // It yields all the same, and nobody calls for it.
  };
  JoinHandle<absl::Status> calls =
      sim_.SpawnJoinable(ParallelForEach(never(), 2, Visitor()));
  sim_.RunFor(absl::Seconds(10));

  calls.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(calls.BlockingJoin()));
  EXPECT_EQ(most_, 0);
}

TEST_P(ParallelForEachTest, DiesWithItsRuntimeWhereverItWaits) {
  Census census;
  auto hold = [&census](int element) -> Task<absl::Status> {
    Counted local(census, element);
    co_return co_await SleepFor(absl::InfiniteDuration());
  };
  {
    testing::Simulator sim;
    sim.Spawn(ParallelForEach(CountSlowlyTo(100), 3, hold));
    sim.Spawn(ParallelForEach(CountSlowlyTo(2), 3, hold));
    sim.Spawn(ParallelForEach(std::vector<int>{1, 2, 3, 4}, 3, hold));
    sim.RunFor(absl::Minutes(1));
    EXPECT_EQ(census.alive(), 8);
  }
  EXPECT_EQ(census.alive(), 0);
}

TEST(ParallelForEachDeathTest, NoCallsAtATimeWouldNeverEnd) {
  auto call = [](int) -> Task<absl::Status> { co_return absl::OkStatus(); };

  EXPECT_DEATH(static_cast<void>(ParallelForEach(std::vector<int>{1}, 0, call)),
               "no calls at a time");
}

}  // namespace
}  // namespace weft::sync
