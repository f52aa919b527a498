// Tests of Inbox on one thread. What threads do to it is in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/inbox.h"

#include <array>

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {
namespace {

struct IdleJob final : Job {
  Continuation Run(ThisThread&) noexcept override { return {}; }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
};

TEST(InboxTest, AnEmptyOneGivesNothing) {
  Inbox inbox;

  EXPECT_TRUE(inbox.empty());
  EXPECT_TRUE(inbox.TakeAll().empty());
}

TEST(InboxTest, GivesEverythingInTheOrderItWasSent) {
  Inbox inbox;
  std::array<IdleJob, 4> jobs;
  for (IdleJob& job : jobs) inbox.Push(job);
  EXPECT_FALSE(inbox.empty());

  JobList taken = inbox.TakeAll();

  EXPECT_EQ(taken.size(), 4u);
  for (IdleJob& job : jobs) EXPECT_EQ(taken.PopFront(), &job);
  EXPECT_EQ(taken.PopFront(), nullptr);
  EXPECT_TRUE(inbox.empty());
}

TEST(InboxTest, WhatComesAfterwardsIsForTheNextTaker) {
  Inbox inbox;
  IdleJob first;
  IdleJob second;
  inbox.Push(first);
  JobList taken = inbox.TakeAll();

  inbox.Push(second);

  EXPECT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken.PopFront(), &first);
  JobList later = inbox.TakeAll();
  EXPECT_EQ(later.PopFront(), &second);
  EXPECT_TRUE(later.empty());
}

TEST(InboxTest, AJobMayComeAgainOnceItWasTaken) {
  Inbox inbox;
  IdleJob job;
  for (int i = 0; i < 3; ++i) {
    inbox.Push(job);
    JobList taken = inbox.TakeAll();
    EXPECT_EQ(taken.PopFront(), &job);
    EXPECT_TRUE(taken.empty());
  }
}

}  // namespace
}  // namespace weft::internal
