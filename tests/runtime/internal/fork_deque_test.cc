// Tests of ForkDeque on one thread: order, capacity, wrap-around, and who gets
// the last one. What threads do to it is in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/fork_deque.h"

#include <array>
#include <cstdint>
#include <memory>

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {
namespace {

struct IdleJob final : Job {
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
};

// Both forms of the deque promise the same to their owner.
class ForkDequeTest : public ::testing::TestWithParam<Sharing> {
 protected:
  ForkDeque deque_{GetParam()};
  std::array<IdleJob, ForkDeque::kCapacity + 1> jobs_;
};

INSTANTIATE_TEST_SUITE_P(Both, ForkDequeTest,
                         ::testing::Values(Sharing::kSolo, Sharing::kShared),
                         [](const auto& sharing) {
                           return sharing.param == Sharing::kSolo ? "Solo"
                                                                  : "Shared";
                         });

TEST_P(ForkDequeTest, AnEmptyOneGivesNothing) {
  EXPECT_TRUE(deque_.empty());
  EXPECT_EQ(deque_.Pop(), nullptr);
  EXPECT_EQ(deque_.Pop(), nullptr);
  EXPECT_TRUE(deque_.empty());
}

TEST_P(ForkDequeTest, TheOwnerGetsTheNewestFirst) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(deque_.Push(jobs_[i]));
  EXPECT_FALSE(deque_.empty());

  EXPECT_EQ(deque_.Pop(), &jobs_[2]);
  EXPECT_EQ(deque_.Pop(), &jobs_[1]);
  ASSERT_TRUE(deque_.Push(jobs_[3]));
  EXPECT_EQ(deque_.Pop(), &jobs_[3]);
  EXPECT_EQ(deque_.Pop(), &jobs_[0]);
  EXPECT_EQ(deque_.Pop(), nullptr);
}

TEST_P(ForkDequeTest, AFullOneRefusesAndKeepsWhatItHas) {
  for (int i = 0; i < ForkDeque::kCapacity; ++i) {
    ASSERT_TRUE(deque_.Push(jobs_[i]));
  }

  EXPECT_FALSE(deque_.Push(jobs_[ForkDeque::kCapacity]));

  for (int i = ForkDeque::kCapacity - 1; i >= 0; --i) {
    ASSERT_EQ(deque_.Pop(), &jobs_[i]);
  }
  EXPECT_EQ(deque_.Pop(), nullptr);
}

TEST_P(ForkDequeTest, HasRoomAgainAfterAPop) {
  for (int i = 0; i < ForkDeque::kCapacity; ++i) {
    ASSERT_TRUE(deque_.Push(jobs_[i]));
  }
  ASSERT_FALSE(deque_.Push(jobs_[ForkDeque::kCapacity]));

  EXPECT_EQ(deque_.Pop(), &jobs_[ForkDeque::kCapacity - 1]);
  EXPECT_TRUE(deque_.Push(jobs_[ForkDeque::kCapacity]));
  EXPECT_EQ(deque_.Pop(), &jobs_[ForkDeque::kCapacity]);
}

TEST(ForkDequeStealTest, ThievesGetTheOldestFirst) {
  ForkDeque deque(Sharing::kShared);
  std::array<IdleJob, 4> jobs;
  for (IdleJob& job : jobs) ASSERT_TRUE(deque.Push(job));

  EXPECT_EQ(deque.Steal(), &jobs[0]);
  EXPECT_EQ(deque.Pop(), &jobs[3]);
  EXPECT_EQ(deque.Steal(), &jobs[1]);
  EXPECT_EQ(deque.Steal(), &jobs[2]);
  EXPECT_EQ(deque.Steal(), nullptr);
  EXPECT_EQ(deque.Pop(), nullptr);
}

TEST(ForkDequeStealTest, TheLastOneGoesToOneOfThem) {
  ForkDeque deque(Sharing::kShared);
  IdleJob job;

  ASSERT_TRUE(deque.Push(job));
  EXPECT_EQ(deque.Steal(), &job);
  EXPECT_EQ(deque.Pop(), nullptr);
  ASSERT_TRUE(deque.Push(job));
  EXPECT_EQ(deque.Pop(), &job);
  EXPECT_EQ(deque.Steal(), nullptr);
}

// Thieves at one end and the owner at the other make the indices travel: many
// laps round the ring, at every fill.
TEST(ForkDequeStealTest, KeepsItsOrderAcrossManyLaps) {
  ForkDeque deque(Sharing::kShared);
  constexpr int kJobs = 512;
  std::array<IdleJob, kJobs> jobs;
  int next_in = 0;
  int next_out = 0;

  for (int lap = 0; lap < 20; ++lap) {
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(deque.Push(jobs[next_in++ % kJobs]));
    }
    for (int i = 0; i < 299; ++i) {
      ASSERT_EQ(deque.Steal(), &jobs[next_out++ % kJobs]);
    }
    // The newest leaves at the other end.
    ASSERT_EQ(deque.Pop(), &jobs[--next_in % kJobs]);
    ASSERT_TRUE(deque.empty());
  }
}

TEST(ForkDequeStealTest, IsFullAtEveryPlaceOfTheRing) {
  ForkDeque deque(Sharing::kShared);
  auto jobs = std::make_unique<std::array<IdleJob, ForkDeque::kCapacity>>();
  IdleJob more;
  for (IdleJob& job : *jobs) ASSERT_TRUE(deque.Push(job));

  for (int place = 0; place < 2 * ForkDeque::kCapacity; ++place) {
    ASSERT_FALSE(deque.Push(more));
    Job* const oldest = deque.Steal();
    ASSERT_EQ(oldest, &(*jobs)[place % ForkDeque::kCapacity]);
    ASSERT_TRUE(deque.Push(*oldest));
  }
}

}  // namespace
}  // namespace weft::internal
