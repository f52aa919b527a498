// The run queue under every schedule: each job goes to one worker, complete.
//
// Its capacity is four here (planted_bugs.py), so that a slot is used again. In
// both forms of the barrier between owner and thieves (steal_barrier.h).
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {
namespace {

using weft::internal::Job;
using weft::internal::RunQueue;
using weft::internal::Sharing;

template <Payer kPayer>
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

  ModelledSystem system;
  RunQueue queue{Sharing::kShared, BarrierPaidBy(kPayer, system)};
  std::array<CountedJob, 6> jobs;
};

// The last job: the owner and two thieves want it.
template <Payer kPayer>
struct LastJob : QueueModel<kPayer> {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread > 0) return this->Steal();
    this->Push(0);
    this->Pop();
    this->jobs[1].Prepare();
    Check(this->queue.Push(this->jobs[1]), "there is room");
  }
};

template <Payer kPayer>
struct JobsAndAThief : QueueModel<kPayer> {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      this->Steal();
      this->Steal();
    } else {
      for (int i = 0; i < 3; ++i) this->Push(i);
      this->Pop();
      this->Pop();
    }
  }
};

template <Payer kPayer>
struct SlotsUsedAgain : QueueModel<kPayer> {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      this->Steal();
      this->Steal();
    } else {
      for (int i = 0; i < 6; ++i) this->Push(i);
      this->Pop();
    }
  }
};

template <template <Payer> typename M>
void ExpectHoldsWhoeverPays() {
  ExpectHolds<M<Payer::kBoth>>();
  ExpectHolds<M<Payer::kThieves>>();
}

TEST(RunQueueModelTest, GivesTheLastJobToOneOfThree) {
  ExpectHoldsWhoeverPays<LastJob>();
}

TEST(RunQueueModelTest, GivesEachJobToTheOwnerOrAThief) {
  ExpectHoldsWhoeverPays<JobsAndAThief>();
}

TEST(RunQueueModelTest, UsesASlotAgainOnlyWhenItIsFree) {
  ExpectHoldsWhoeverPays<SlotsUsedAgain>();
}

TEST(RunQueueModelTest, FindsAnOverwrittenJob) {
  ExpectFound<SlotsUsedAgain<Payer::kBoth>>(Bug::kRunQueueOverwritesWhenFull);
}

TEST(RunQueueModelTest, FindsAStealThatReadsTooLate) {
  ExpectFound<SlotsUsedAgain<Payer::kBoth>>(
      Bug::kAThiefMovesTheHeadBeforeItReads);
}

TEST(RunQueueModelTest, FindsAPopThatDoesNotLookAgain) {
  ExpectFound<LastJob<Payer::kBoth>>(Bug::kPopDoesNotLookAgainInside);
}

TEST(RunQueueModelTest, FindsAThiefThatDoesNotPay) {
  ExpectFound<LastJob<Payer::kThieves>>(Bug::kAThiefDoesNotPay);
}

TEST(RunQueueModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<
      LastJob<Payer::kBoth>, LastJob<Payer::kThieves>,
      JobsAndAThief<Payer::kBoth>, JobsAndAThief<Payer::kThieves>,
      SlotsUsedAgain<Payer::kBoth>, SlotsUsedAgain<Payer::kThieves>>(
      {"runtime/internal/run_queue.h"});
}

}  // namespace
}  // namespace weft::explore
