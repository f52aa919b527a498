// Tests of weft::sync::Lazy and weft::sync::Once: made once, by whoever asks
// first, and again by the next where that came to nothing.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/lazy.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/sync/once.h"
#include "weft/tests/support/seeded_test.h"

namespace weft::sync {
namespace {

using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

// Something that takes a while to make, and fails as often as it is told to.
struct Maker {
  Task<absl::StatusOr<std::unique_ptr<int>>> Make() {
    ++attempts;
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    if (failures-- > 0) co_return absl::UnavailableError("not yet");
    co_return std::make_unique<int>(42);
  }

  int attempts = 0;
  int failures = 0;
};

class LazyTest : public SeededTest {
 protected:
  Task<absl::StatusOr<int>> Get() {
    const std::unique_ptr<int>* const made = co_await OrReturn(lazy_.Get());
    co_return **made;
  }

  Maker maker_;
  Lazy<std::unique_ptr<int>> lazy_{[this] { return maker_.Make(); }};
};
INSTANTIATE_TEST_SUITE_P(Any, LazyTest, Schedules(), ScheduleName);

TEST_P(LazyTest, IsMadeWhenItIsFirstAskedForAndNotAgain) {
  EXPECT_EQ(lazy_.TryGet(), nullptr);
  EXPECT_EQ(maker_.attempts, 0);

  EXPECT_EQ(*sim_.Run(Get()), 42);
  EXPECT_EQ(*sim_.Run(Get()), 42);

  EXPECT_EQ(maker_.attempts, 1);
  EXPECT_EQ(**lazy_.TryGet(), 42);
}

TEST_P(LazyTest, ThoseWhoAskMeanwhileWaitForTheFirst) {
  std::vector<JoinHandle<absl::StatusOr<int>>> askers;
  for (int i = 0; i < 5; ++i) askers.push_back(sim_.SpawnJoinable(Get()));

  sim_.RunUntilIdle();

  for (auto& asker : askers) EXPECT_EQ(*asker.BlockingJoin(), 42);
  EXPECT_EQ(maker_.attempts, 1);
}

TEST_P(LazyTest, WhereItFailsTheNextOneTriesAgain) {
  maker_.failures = 1;
  std::vector<JoinHandle<absl::StatusOr<int>>> askers;
  for (int i = 0; i < 3; ++i) askers.push_back(sim_.SpawnJoinable(Get()));

  sim_.RunUntilIdle();

  int failed = 0;
  for (auto& asker : askers) {
    failed += absl::IsUnavailable(asker.BlockingJoin().status());
  }
  EXPECT_EQ(failed, 1) << "only the one whose attempt it was";
  EXPECT_EQ(maker_.attempts, 2);
}

TEST_P(LazyTest, WhereItIsCancelledTheNextOneTriesAgain) {
  JoinHandle<absl::StatusOr<int>> first = sim_.SpawnJoinable(Get());
  sim_.RunFor(absl::Milliseconds(500));
  JoinHandle<absl::StatusOr<int>> second = sim_.SpawnJoinable(Get());
  sim_.RunFor(absl::ZeroDuration());

  first.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(first.BlockingJoin().status()));
  EXPECT_EQ(*second.BlockingJoin(), 42);
  EXPECT_EQ(maker_.attempts, 2);
}

TEST_P(LazyTest, AnExceptionIsTheCallersAndTheNextOneTriesAgain) {
  int attempts = 0;
  Lazy<int> lazy([&]() -> Task<absl::StatusOr<int>> {
    if (++attempts == 1) throw std::runtime_error("the first time");
    co_return 7;
  });
  auto get = [&]() -> Task<absl::StatusOr<int>> {
    co_return *co_await OrReturn(lazy.Get());
  };

  EXPECT_THROW(sim_.Run(get()).IgnoreError(), std::runtime_error);
  EXPECT_EQ(*sim_.Run(get()), 7);
}

class OnceTest : public SeededTest {
 protected:
  Task<absl::Status> DoIt() {
    return once_.Do([this] { return Work(); });
  }

  Once once_;
  int attempts_ = 0;
  int failures_ = 0;

 private:
  Task<absl::Status> Work() {
    ++attempts_;
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    if (failures_-- > 0) co_return absl::UnavailableError("not yet");
    co_return absl::OkStatus();
  }
};
INSTANTIATE_TEST_SUITE_P(Any, OnceTest, Schedules(), ScheduleName);

TEST_P(OnceTest, IsDoneOnceHoweverManyAsk) {
  std::vector<JoinHandle<absl::Status>> askers;
  for (int i = 0; i < 5; ++i) askers.push_back(sim_.SpawnJoinable(DoIt()));
  EXPECT_FALSE(once_.done());

  sim_.RunUntilIdle();

  for (auto& asker : askers) EXPECT_EQ(asker.BlockingJoin(), absl::OkStatus());
  EXPECT_TRUE(once_.done());
  EXPECT_EQ(attempts_, 1);
}

TEST_P(OnceTest, WhatFailedHasNotBeenDone) {
  failures_ = 1;

  EXPECT_TRUE(absl::IsUnavailable(sim_.Run(DoIt())));
  EXPECT_FALSE(once_.done());
  EXPECT_EQ(sim_.Run(DoIt()), absl::OkStatus());
  EXPECT_EQ(attempts_, 2);
}

TEST_P(OnceTest, WhatWasCancelledHasNotBeenDone) {
  JoinHandle<absl::Status> first = sim_.SpawnJoinable(DoIt());
  sim_.RunFor(absl::Milliseconds(500));

  first.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(first.BlockingJoin()));
  EXPECT_FALSE(once_.done());
  EXPECT_EQ(sim_.Run(DoIt()), absl::OkStatus());
}

}  // namespace
}  // namespace weft::sync
