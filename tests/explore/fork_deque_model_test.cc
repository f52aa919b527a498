// The fork deque under every schedule: each fork goes to one thread, complete.
//
// Its capacity is two here (planted_bugs.py), so that a slot is used again. In
// both forms of the barrier between owner and thieves (steal_barrier.h).
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {
namespace {

using weft::internal::ForkDeque;
using weft::internal::Sharing;

template <Payer kPayer>
struct DequeModel : Model {
  void Push(int index) {
    jobs[index].Prepare();
    if (!deque.Push(jobs[index])) jobs[index].Take();
  }
  void Pop() { TakeIfAny(deque.Pop()); }
  void PopIfNewest(int index) {
    if (deque.PopIf(jobs[index])) jobs[index].Take();
  }
  void Steal() { TakeIfAny(deque.Steal()); }

  void Finally() override {
    while (weft::internal::Job* const job = deque.Pop()) TakeIfAny(job);
    CheckAllTaken(jobs);
  }

  ModelledSystem system;
  ForkDeque deque{Sharing::kShared, BarrierPaidBy(kPayer, system)};
  std::array<CountedJob, 4> jobs;
};

// The last fork: the owner and two thieves want it.
template <Payer kPayer>
struct LastFork : DequeModel<kPayer> {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread > 0) return this->Steal();
    this->Push(0);
    this->Pop();
  }
};

// The owner pushes and pops as forks do, while a thief takes what it can.
template <Payer kPayer>
struct ForksAndAThief : DequeModel<kPayer> {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      this->Steal();
      this->Steal();
    } else {
      this->Push(0);
      this->Push(1);
      this->Pop();
      this->Pop();
    }
  }
};

// The same where the owner knows what it looks for; after a steal that is not
// there any more, and what is below stays.
template <Payer kPayer>
struct KnownForksAndAThief : DequeModel<kPayer> {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      this->Steal();
      this->Steal();
    } else {
      this->Push(0);
      this->Push(1);
      this->PopIfNewest(1);
      this->Push(2);
      this->PopIfNewest(2);
      this->PopIfNewest(0);
    }
  }
};

// Slots are used a second time while a thief is still reading them.
template <Payer kPayer>
struct SlotsUsedAgain : DequeModel<kPayer> {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      this->Steal();
      this->Steal();
    } else {
      for (int i = 0; i < 4; ++i) this->Push(i);
      this->Pop();
    }
  }
};

template <template <Payer> typename M>
void ExpectHoldsWhoeverPays() {
  ExpectHolds<M<Payer::kBoth>>();
  ExpectHolds<M<Payer::kThieves>>();
}

TEST(ForkDequeModelTest, GivesTheLastForkToOneOfThree) {
  ExpectHoldsWhoeverPays<LastFork>();
}

TEST(ForkDequeModelTest, GivesEachForkToTheOwnerOrAThief) {
  ExpectHoldsWhoeverPays<ForksAndAThief>();
}

TEST(ForkDequeModelTest, GivesAKnownForkToTheOwnerOrAThief) {
  ExpectHoldsWhoeverPays<KnownForksAndAThief>();
}

TEST(ForkDequeModelTest, UsesASlotAgainOnlyWhenItIsFree) {
  ExpectHoldsWhoeverPays<SlotsUsedAgain>();
}

TEST(ForkDequeModelTest, FindsWhatTheSwapOfThePopIsFor) {
  ExpectFound<LastFork<Payer::kBoth>>(Bug::kPopTakesTheLastForkWithoutASwap);
}

TEST(ForkDequeModelTest, FindsAThiefThatDoesNotPay) {
  ExpectFound<ForksAndAThief<Payer::kThieves>>(Bug::kAThiefDoesNotPay);
}

TEST(ForkDequeModelTest, FindsAnOverwrittenFork) {
  ExpectFound<SlotsUsedAgain<Payer::kBoth>>(Bug::kForkDequeOverwritesWhenFull);
}

TEST(ForkDequeModelTest, FindsAStealThatReadsTooLate) {
  ExpectFound<SlotsUsedAgain<Payer::kBoth>>(
      Bug::kStealReadsTheForkAfterItsSwap);
}

TEST(ForkDequeModelTest, FindsAnIndexThatWraps) {
  ExpectFound<SlotsUsedAgain<Payer::kBoth>>(Bug::kForkDequeCountsInTwoBits);
}

constexpr char kOrderOfExecution[] =
    "the order of seq_cst operations is that of execution here, so the bottom_ "
    "that is loaded next is as new as a seq_cst top_ would make it; C++ needs "
    "it with two thieves, of whom one reads the other's swap";
constexpr char kLoadsSuffice[] =
    "stronger than needed: in the order argued in Pop, a thief's load of top_ "
    "stands for the swap it reads. Kept as Le et al. have it";

TEST(ForkDequeModelTest, NeedsEveryOrder) {
  const std::string file = "runtime/internal/fork_deque.h";
  const std::string barrier = "runtime/internal/steal_barrier.h";
  ExpectEveryOrderIsNeeded<
      LastFork<Payer::kBoth>, LastFork<Payer::kThieves>,
      ForksAndAThief<Payer::kBoth>, ForksAndAThief<Payer::kThieves>,
      KnownForksAndAThief<Payer::kBoth>, KnownForksAndAThief<Payer::kThieves>,
      SlotsUsedAgain<Payer::kBoth>, SlotsUsedAgain<Payer::kThieves>>(
      {file, barrier},
      {
          {barrier + " OwnerStoresAndLoads: load acquire -> relaxed",
           "the gate needs it, and its model shows it"},
          {file + " Steal: load seq_cst -> acquire", kOrderOfExecution},
          {file + " Steal: load seq_cst -> relaxed", kOrderOfExecution},
          {file + " Steal: swap seq_cst -> acq_rel", kLoadsSuffice},
          {file + " Steal: swap seq_cst -> release", kLoadsSuffice},
          {file + " Pop: swap seq_cst -> acq_rel", kLoadsSuffice},
          {file + " Pop: swap seq_cst -> acquire", kLoadsSuffice},
          {file + " Pop: swap seq_cst -> release", kLoadsSuffice},
      });
}

}  // namespace
}  // namespace weft::explore
