// The run queue under every schedule: each job goes to one worker, complete.
//
// Its capacity is four here (planted_bugs.py), so that a slot is used again.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"

namespace weft::explore {
namespace {

using weft::internal::Job;
using weft::internal::RunQueue;
using weft::internal::Sharing;

struct QueueModel : Model {
  void Push(int index) {
    jobs[index].Prepare();
    if (!queue.Push(jobs[index])) jobs[index].Take();
  }
  void Pop() { TakeIfAny(queue.Pop()); }
  void Steal() {
    TakeIfAny(queue.StealHalf([](Job& more) { TakeIfAny(&more); }));
  }

  void Finally() override {
    while (Job* const job = queue.Pop()) TakeIfAny(job);
    CheckAllTaken(jobs);
  }

  RunQueue queue{Sharing::kShared};
  std::array<CountedJob, 6> jobs;
};

// The last job: the owner and two thieves want it.
struct LastJob : QueueModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread > 0) return Steal();
    Push(0);
    Pop();
    jobs[1].Prepare();
    Check(queue.Push(jobs[1]), "there is room");
  }
};

struct JobsAndAThief : QueueModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      Steal();
      Steal();
    } else {
      for (int i = 0; i < 3; ++i) Push(i);
      Pop();
      Pop();
    }
  }
};

struct SlotsUsedAgain : QueueModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      Steal();
      Steal();
    } else {
      for (int i = 0; i < 6; ++i) Push(i);
      Pop();
    }
  }
};

TEST(RunQueueModelTest, GivesTheLastJobToOneOfThree) { ExpectHolds<LastJob>(); }

TEST(RunQueueModelTest, GivesEachJobToTheOwnerOrAThief) {
  ExpectHolds<JobsAndAThief>();
}

TEST(RunQueueModelTest, UsesASlotAgainOnlyWhenItIsFree) {
  ExpectHolds<SlotsUsedAgain>();
}

TEST(RunQueueModelTest, FindsAnOverwrittenJob) {
  ExpectFound<SlotsUsedAgain>(Bug::kRunQueueOverwritesWhenFull);
}

TEST(RunQueueModelTest, FindsAStealThatReadsTooLate) {
  ExpectFound<SlotsUsedAgain>(Bug::kStealHalfReadsTheSlotsAfterItsSwap);
}

TEST(RunQueueModelTest, FindsAHeadThatIsNotPutBack) {
  ExpectFound<LastJob>(Bug::kABeatenPopLeavesTheHeadAhead);
}

TEST(RunQueueModelTest, NeedsEveryOrder) {
  const std::string file = "runtime/internal/run_queue.h";
  ExpectEveryOrderIsNeeded<LastJob, JobsAndAThief, SlotsUsedAgain>(
      {file}, {
                  {file + " PopShared: update acquire -> relaxed",
                   "the owner reads its own slot; the next Push acquires"},
                  {file + " StealHalf: load acquire -> relaxed",
                   "stronger than needed: an old head_ makes the swap fail"},
                  {file + " StealHalf: swap acq_rel -> release",
                   "stronger than needed: tail_ was acquired before, and "
                   "nothing else is read"},
              });
}

}  // namespace
}  // namespace weft::explore
