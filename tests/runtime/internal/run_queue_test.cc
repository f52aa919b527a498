// Tests of RunQueue on one thread: order, capacity, wrap-around, and how much a
// thief takes. What threads do to it is in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/run_queue.h"

#include <array>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kCapacity = RunQueue::kCapacity;

struct IdleJob final : Job {
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
};

// A thief that collects.
struct Loot {
  Job* first = nullptr;
  std::vector<Job*> kept;
};
Loot StealFrom(RunQueue& queue) {
  Loot loot;
  loot.first =
      queue.StealHalf([&loot](Job& job) { loot.kept.push_back(&job); });
  return loot;
}

class RunQueueTest : public ::testing::TestWithParam<Sharing> {
 protected:
  RunQueue queue_{GetParam()};
  std::array<IdleJob, kCapacity + 1> jobs_;
};

INSTANTIATE_TEST_SUITE_P(Both, RunQueueTest,
                         ::testing::Values(Sharing::kSolo, Sharing::kShared),
                         [](const auto& sharing) {
                           return sharing.param == Sharing::kSolo ? "Solo"
                                                                  : "Shared";
                         });

TEST_P(RunQueueTest, AnEmptyOneGivesNothing) {
  EXPECT_EQ(queue_.size(), 0u);
  EXPECT_EQ(queue_.Pop(), nullptr);
  EXPECT_EQ(queue_.Pop(), nullptr);
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_P(RunQueueTest, GivesTheOldestFirst) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue_.Push(jobs_[i]));
  EXPECT_EQ(queue_.size(), 3u);

  EXPECT_EQ(queue_.Pop(), &jobs_[0]);
  ASSERT_TRUE(queue_.Push(jobs_[3]));
  EXPECT_EQ(queue_.Pop(), &jobs_[1]);
  EXPECT_EQ(queue_.Pop(), &jobs_[2]);
  EXPECT_EQ(queue_.Pop(), &jobs_[3]);
  EXPECT_EQ(queue_.Pop(), nullptr);
}

TEST_P(RunQueueTest, AFullOneRefusesAndKeepsWhatItHas) {
  for (int i = 0; i < kCapacity; ++i) ASSERT_TRUE(queue_.Push(jobs_[i]));

  EXPECT_FALSE(queue_.Push(jobs_[kCapacity]));

  EXPECT_EQ(queue_.size(), RunQueue::kCapacity);
  for (int i = 0; i < kCapacity; ++i) ASSERT_EQ(queue_.Pop(), &jobs_[i]);
  EXPECT_EQ(queue_.Pop(), nullptr);
}

TEST_P(RunQueueTest, IsFullAtEveryPlaceOfTheRing) {
  for (int i = 0; i < kCapacity; ++i) ASSERT_TRUE(queue_.Push(jobs_[i]));

  for (int place = 0; place < 3 * kCapacity; ++place) {
    ASSERT_FALSE(queue_.Push(jobs_[kCapacity]));
    ASSERT_FALSE(queue_.PushBehindOthers(jobs_[kCapacity]));
    Job* const oldest = queue_.Pop();
    ASSERT_EQ(oldest, &jobs_[place % kCapacity]);
    ASSERT_TRUE(queue_.PushBehindOthers(*oldest));
  }
}

TEST_P(RunQueueTest, NobodyGoesBehindOthersWhereThereAreNone) {
  EXPECT_FALSE(queue_.PushBehindOthers(jobs_[0]));
  EXPECT_TRUE(queue_.empty());

  ASSERT_TRUE(queue_.Push(jobs_[1]));
  EXPECT_TRUE(queue_.PushBehindOthers(jobs_[0]));

  EXPECT_EQ(queue_.Pop(), &jobs_[1]);
  EXPECT_EQ(queue_.Pop(), &jobs_[0]);
  EXPECT_TRUE(queue_.empty());
  EXPECT_FALSE(queue_.PushBehindOthers(jobs_[0]));
}

TEST_P(RunQueueTest, NobodyGoesBehindOthersWhereItIsFull) {
  ASSERT_TRUE(queue_.Push(jobs_[0]));
  for (int i = 1; i < kCapacity; ++i) {
    ASSERT_TRUE(queue_.PushBehindOthers(jobs_[i]));
  }

  EXPECT_FALSE(queue_.PushBehindOthers(jobs_[kCapacity]));

  for (int i = 0; i < kCapacity; ++i) ASSERT_EQ(queue_.Pop(), &jobs_[i]);
}

TEST(RunQueueStealTest, AThiefTakesTheOlderHalf) {
  RunQueue queue(Sharing::kShared);
  std::array<IdleJob, 6> jobs;
  for (IdleJob& job : jobs) ASSERT_TRUE(queue.Push(job));

  const Loot loot = StealFrom(queue);

  EXPECT_EQ(loot.first, &jobs[0]);
  EXPECT_THAT(loot.kept, ElementsAre(&jobs[1], &jobs[2]));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.Pop(), &jobs[3]);
}

TEST(RunQueueStealTest, OfAnOddNumberTheThiefGetsOneMore) {
  RunQueue queue(Sharing::kShared);
  std::array<IdleJob, 5> jobs;
  for (IdleJob& job : jobs) ASSERT_TRUE(queue.Push(job));

  const Loot loot = StealFrom(queue);

  EXPECT_EQ(loot.first, &jobs[0]);
  EXPECT_THAT(loot.kept, ElementsAre(&jobs[1], &jobs[2]));
  EXPECT_EQ(queue.size(), 2u);
}

TEST(RunQueueStealTest, TheOnlyOneCanBeStolen) {
  RunQueue queue(Sharing::kShared);
  IdleJob job;
  ASSERT_TRUE(queue.Push(job));

  const Loot loot = StealFrom(queue);

  EXPECT_EQ(loot.first, &job);
  EXPECT_THAT(loot.kept, IsEmpty());
  EXPECT_EQ(queue.Pop(), nullptr);
}

TEST(RunQueueStealTest, NothingCanBeStolenFromAnEmptyOne) {
  RunQueue queue(Sharing::kShared);

  EXPECT_EQ(StealFrom(queue).first, nullptr);
}

TEST(RunQueueStealTest, AFullOneLosesHalfAndHasRoomForThat) {
  RunQueue queue(Sharing::kShared);
  std::array<IdleJob, kCapacity> jobs;
  for (IdleJob& job : jobs) ASSERT_TRUE(queue.Push(job));

  const Loot loot = StealFrom(queue);

  EXPECT_EQ(loot.kept.size() + 1, RunQueue::kCapacity / 2);
  EXPECT_EQ(queue.size(), RunQueue::kCapacity / 2);
  for (int i = 0; i < kCapacity / 2; ++i) ASSERT_TRUE(queue.Push(jobs[i]));
  EXPECT_FALSE(queue.Push(jobs[0]));
}

TEST(RunQueueStealTest, KeepsItsOrderAcrossManyLaps) {
  RunQueue queue(Sharing::kShared);
  std::array<IdleJob, kCapacity> jobs;
  std::uint64_t next_in = 0;
  std::uint64_t next_out = 0;
  auto expect_next = [&](Job* job) {
    ASSERT_EQ(job, &jobs[next_out++ % kCapacity]);
  };

  for (int lap = 0; lap < 50; ++lap) {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(queue.Push(jobs[next_in++ % kCapacity]));
    }
    for (int i = 0; i < 25; ++i) expect_next(queue.Pop());
    const Loot loot = StealFrom(queue);
    expect_next(loot.first);
    for (Job* const job : loot.kept) expect_next(job);
    while (Job* const job = queue.Pop()) expect_next(job);
    ASSERT_EQ(next_in, next_out);
  }
}

}  // namespace
}  // namespace weft::internal
