// Tests of AsCompleted, ParallelForEach and Transform on real threads: what
// many workers share is handed over in order, and everybody is awaited.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/as_completed.h"
#include "weft/sync/parallel_for_each.h"
#include "weft/sync/transform.h"
#include "weft/sync/with_results.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

// Keeps a thread busy for a while, another while for each number.
std::int64_t Compute(std::int64_t number) {
  volatile std::int64_t sum = 0;
  for (std::int64_t i = 0; i < number % 7 * 100; ++i) sum = sum + i;
  return number;
}

Task<absl::StatusOr<std::int64_t>> PassOn(std::int64_t number) {
  Compute(number);
  if (number % 3 == 0) co_await Yield();
  co_return number;
}

AsyncGenerator<std::int64_t> Count(std::int64_t last) {
  for (std::int64_t i = 0; i < last; ++i) {
    if (i % 5 == 0) co_await Yield();
    co_yield i;
  }
}

TEST(ParallelStressTest, EveryElementIsSeenOnce) {
  Runtime runtime({.workers = 4});
  const std::int64_t last = tests::Times(20'000);
  std::vector<int> seen(last);
  auto look = [&seen](std::int64_t number) -> Task<absl::Status> {
    Compute(number);
    if (number % 4 == 0) co_await Yield();
    ++seen[number];
    co_return absl::OkStatus();
  };

  EXPECT_EQ(runtime.BlockOn(ParallelForEach(Count(last), 8, look)),
            absl::OkStatus());

  EXPECT_EQ(seen, std::vector<int>(last, 1));
}

TEST(ParallelStressTest, APipelineKeepsTheOrder) {
  Runtime runtime({.workers = 4});
  const std::int64_t last = tests::Times(10'000);
  std::vector<std::int64_t> got;
  auto keep = [&got](std::int64_t number) -> Task<absl::Status> {
    got.push_back(number);
    co_return absl::OkStatus();
  };
  auto first = Transform(Count(last), 6, PassOn);
  auto second = Transform(std::move(first), 3, PassOn);

  EXPECT_EQ(runtime.BlockOn(ParallelForEach(std::move(second), 1, keep)),
            absl::OkStatus());

  std::vector<std::int64_t> expected(last);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(got, expected);
}

// The error, and the cancellation that it brings about, meet workers that take
// elements, wait for room, and hand results over.
TEST(ParallelStressTest, AnErrorEndsAPipelineFromAnyThread) {
  Runtime runtime({.workers = 4});
  for (std::int64_t round = 0; round < tests::Times(300); ++round) {
    std::atomic<int> running = 0;
    auto fail = [&](std::int64_t number) -> Task<absl::StatusOr<std::int64_t>> {
      ++running;
      Compute(number + round);
      co_await Yield();
      --running;
      if (number == round % 40) co_return absl::DataLossError("as planned");
      co_return number;
    };
    auto first = Transform(Count(1'000), 4, fail);
    auto second = Transform(std::move(first), 4, PassOn);
    auto drop = [](std::int64_t) -> Task<absl::Status> {
      co_return absl::OkStatus();
    };

    const absl::Status ended =
        runtime.BlockOn(ParallelForEach(std::move(second), 2, drop));

    ASSERT_EQ(ended, absl::DataLossError("as planned"));
    ASSERT_EQ(running, 0);
  }
}

// What it is told of the failure must not be taken for the first error.
TEST(ParallelStressTest, AnErrorComesBeforeWhatAShieldedBodySaysOfIt) {
  Runtime runtime({.workers = 4});
  for (std::int64_t round = 0; round < tests::Times(300); ++round) {
    auto fail =
        [round](std::int64_t number) -> Task<absl::StatusOr<std::int64_t>> {
      Compute(number + round);
      if (number == round % 40) co_return absl::DataLossError("as planned");
      co_return number;
    };
    auto take = [](auto& results) -> Task<absl::Status> {
      for (;;) {
        auto next = co_await Shield(results.Next());
        if (!next.ok()) co_return next.status();
        if (!next->has_value()) co_return absl::OkStatus();
      }
    };
    auto first = Transform(Count(1'000), 4, fail);
    auto second = Transform(std::move(first), 4, PassOn);

    ASSERT_EQ(runtime.BlockOn(WithResults(std::move(second), take)),
              absl::DataLossError("as planned"));
  }
}

TEST(ParallelStressTest, ResultsComeFromAnyThread) {
  Runtime runtime({.workers = 4});
  for (std::int64_t round = 0; round < tests::Times(300); ++round) {
    std::vector<Task<absl::StatusOr<std::int64_t>>> tasks;
    for (std::int64_t i = 0; i < 40; ++i) tasks.push_back(PassOn(i));
    auto add = [](Completions<absl::StatusOr<std::int64_t>>& results)
        -> Task<absl::StatusOr<std::int64_t>> {
      std::int64_t sum = 0;
      while (auto next = co_await OrReturn(results.Next())) {
        sum += *next->result;
      }
      co_return sum;
    };

    const absl::StatusOr<std::int64_t> sum =
        runtime.BlockOn(AsCompleted(std::move(tasks), add));

    ASSERT_EQ(sum, absl::StatusOr<std::int64_t>(780));
  }
}

TEST(ParallelStressTest, ABodyMayLeaveWhileTasksFinish) {
  Runtime runtime({.workers = 4});
  for (std::int64_t round = 0; round < tests::Times(300); ++round) {
    std::vector<Task<absl::StatusOr<std::int64_t>>> tasks;
    for (std::int64_t i = 0; i < 40; ++i) tasks.push_back(PassOn(i));
    auto leave = [round](Completions<absl::StatusOr<std::int64_t>>& results)
        -> Task<absl::Status> {
      for (std::int64_t i = 0; i < round % 40; ++i) {
        auto next = co_await OrReturn(results.Next());
        co_await OrReturn(next->result.status());
      }
      co_return absl::OkStatus();
    };

    ASSERT_EQ(runtime.BlockOn(AsCompleted(std::move(tasks), leave)),
              absl::OkStatus());
  }
}

}  // namespace
}  // namespace weft::sync
