// The fork deque under every schedule: each fork goes to one thread, complete.
//
// Its capacity is two here (planted_bugs.py), so that a slot is used again.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"

namespace weft::explore {
namespace {

using weft::internal::ForkDeque;
using weft::internal::Sharing;

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

  ForkDeque deque{Sharing::kShared};
  std::array<CountedJob, 4> jobs;
};

// The last fork: the owner and two thieves want it.
struct LastFork : DequeModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread > 0) return Steal();
    Push(0);
    Pop();
  }
};

// The owner pushes and pops as forks do, while a thief takes what it can.
struct ForksAndAThief : DequeModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      Steal();
      Steal();
    } else {
      Push(0);
      Push(1);
      Pop();
      Pop();
    }
  }
};

// The same where the owner knows what it looks for; after a steal that is not
// there any more, and what is below stays.
struct KnownForksAndAThief : DequeModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      Steal();
      Steal();
    } else {
      Push(0);
      Push(1);
      PopIfNewest(1);
      Push(2);
      PopIfNewest(2);
      PopIfNewest(0);
    }
  }
};

// Slots are used a second time while a thief is still reading them.
struct SlotsUsedAgain : DequeModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      Steal();
      Steal();
    } else {
      for (int i = 0; i < 4; ++i) Push(i);
      Pop();
    }
  }
};

TEST(ForkDequeModelTest, GivesTheLastForkToOneOfThree) {
  ExpectHolds<LastFork>();
}

TEST(ForkDequeModelTest, GivesEachForkToTheOwnerOrAThief) {
  ExpectHolds<ForksAndAThief>();
}

TEST(ForkDequeModelTest, GivesAKnownForkToTheOwnerOrAThief) {
  ExpectHolds<KnownForksAndAThief>();
}

TEST(ForkDequeModelTest, UsesASlotAgainOnlyWhenItIsFree) {
  ExpectHolds<SlotsUsedAgain>();
}

TEST(ForkDequeModelTest, FindsWhatTheSwapOfThePopIsFor) {
  ExpectFound<LastFork>(Bug::kPopTakesTheLastForkWithoutASwap);
}

TEST(ForkDequeModelTest, FindsAnOverwrittenFork) {
  ExpectFound<SlotsUsedAgain>(Bug::kForkDequeOverwritesWhenFull);
}

TEST(ForkDequeModelTest, FindsAStealThatReadsTooLate) {
  ExpectFound<SlotsUsedAgain>(Bug::kStealReadsTheForkAfterItsSwap);
}

TEST(ForkDequeModelTest, FindsAnIndexThatWraps) {
  ExpectFound<SlotsUsedAgain>(Bug::kForkDequeCountsInTwoBits);
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
  ExpectEveryOrderIsNeeded<LastFork, ForksAndAThief, KnownForksAndAThief,
                           SlotsUsedAgain>(
      {file}, {
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
