// Tests of JobList and Injector on one thread. What threads do to it is in
// tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/injector.h"

#include <array>
#include <cstddef>

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {
namespace {

struct IdleJob final : Job {
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
};

TEST(JobListTest, GivesTheOldestFirst) {
  JobList list;
  std::array<IdleJob, 3> jobs;
  EXPECT_TRUE(list.empty());
  for (IdleJob& job : jobs) list.PushBack(job);
  EXPECT_EQ(list.size(), 3u);

  for (IdleJob& job : jobs) EXPECT_EQ(list.PopFront(), &job);

  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.PopFront(), nullptr);
  EXPECT_EQ(list.size(), 0u);
}

TEST(JobListTest, IsAsGoodAsNewWhenItHasBeenEmptied) {
  JobList list;
  IdleJob first;
  IdleJob second;
  list.PushBack(first);
  ASSERT_EQ(list.PopFront(), &first);

  list.PushBack(second);
  list.PushBack(first);

  EXPECT_EQ(list.PopFront(), &second);
  EXPECT_EQ(list.PopFront(), &first);
  EXPECT_TRUE(list.empty());
}

TEST(InjectorTest, AnEmptyOneGivesNothing) {
  Injector injector;

  EXPECT_TRUE(injector.empty());
  EXPECT_TRUE(injector.Take(10).empty());
}

TEST(InjectorTest, TakesAllThatItIsGiven) {
  Injector injector;
  std::array<IdleJob, 3> jobs;
  JobList list;
  for (IdleJob& job : jobs) list.PushBack(job);

  injector.Push(list);

  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(injector.empty());
}

TEST(InjectorTest, GivesAtMostTheLimitOldestFirst) {
  Injector injector;
  std::array<IdleJob, 5> jobs;
  JobList list;
  for (int i = 0; i < 3; ++i) list.PushBack(jobs[i]);
  injector.Push(list);
  for (int i = 3; i < 5; ++i) list.PushBack(jobs[i]);
  injector.Push(list);

  JobList first = injector.Take(4);
  JobList second = injector.Take(4);

  EXPECT_EQ(first.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(first.PopFront(), &jobs[i]);
  EXPECT_EQ(second.size(), 1u);
  EXPECT_EQ(second.PopFront(), &jobs[4]);
  EXPECT_TRUE(injector.empty());
}

TEST(InjectorTest, ALimitOfNothingTakesNothing) {
  Injector injector;
  IdleJob job;
  JobList list;
  list.PushBack(job);
  injector.Push(list);

  EXPECT_TRUE(injector.Take(0).empty());
  EXPECT_FALSE(injector.empty());
}

}  // namespace
}  // namespace weft::internal
