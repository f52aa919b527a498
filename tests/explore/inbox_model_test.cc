// The inbox and the injector under every schedule: each job comes out once, and
// each sender's in order.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/inbox.h"
#include "weft/runtime/internal/injector.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"

namespace weft::explore {
namespace {

using weft::internal::Inbox;
using weft::internal::Injector;
using weft::internal::Job;
using weft::internal::JobList;

struct InboxModel : Model {
  void Push(int index) {
    jobs[index].Prepare();
    inbox.Push(jobs[index]);
  }
  void TakeAll() {
    JobList taken = inbox.TakeAll();
    Job* previous = nullptr;
    while (Job* const job = taken.PopFront()) {
      TakeIfAny(job);
      Check(previous != &jobs[1] || job != &jobs[0], "out of order");
      previous = job;
    }
  }
  void Finally() override {
    TakeAll();
    CheckAllTaken(jobs);
  }

  Inbox inbox;
  std::array<CountedJob, 3> jobs;
};

struct TwoSenders : InboxModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) {
      Push(0);
      Push(1);
    } else if (thread == 1) {
      Push(2);
    } else {
      TakeAll();
      TakeAll();
    }
  }
};

// The owner, and a sibling that takes over a stuck one's.
struct TwoTakers : InboxModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread > 0) return TakeAll();
    Push(0);
    Push(1);
    Push(2);
  }
};

TEST(InboxModelTest, KeepsEachSendersOrder) { ExpectHolds<TwoSenders>(); }

TEST(InboxModelTest, GivesEachJobToOneTaker) { ExpectHolds<TwoTakers>(); }

TEST(InboxModelTest, FindsWhatTheExchangeIsFor) {
  ExpectFound<TwoTakers>(Bug::kInboxIsEmptiedByALoadAndAStore);
}

// seq_cst in this file is for sleepers: sleep_model_test.cc.
TEST(InboxModelTest, PublishesTheJobs) {
  const std::string file = "runtime/internal/inbox.h";
  const std::string sleep = "for who sleeps, which sleep_model_test.cc shows";
  ExpectEveryOrderIsNeeded<TwoSenders, TwoTakers>(
      {file}, {
                  {file + " Push: swap seq_cst -> acq_rel", sleep},
                  {file + " Push: swap seq_cst -> release", sleep},
                  {file + " empty: load seq_cst -> acquire", sleep},
                  {file + " empty: load seq_cst -> relaxed", sleep},
              });
}

struct InjectorModel : Model {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) {
      JobList list;
      for (CountedJob& job : jobs) {
        job.Prepare();
        list.PushBack(job);
      }
      injector.Push(list);
    } else {
      Take(2);
    }
  }
  void Take(std::size_t limit) {
    JobList taken = injector.Take(limit);
    while (Job* const job = taken.PopFront()) TakeIfAny(job);
  }
  void Finally() override {
    Take(jobs.size());
    Check(injector.empty(), "it counts what is not there");
    CheckAllTaken(jobs);
  }

  Injector injector;
  std::array<CountedJob, 3> jobs;
};

TEST(InjectorModelTest, GivesEachJobToOneTaker) {
  ExpectHolds<InjectorModel>();
}

}  // namespace
}  // namespace weft::explore
