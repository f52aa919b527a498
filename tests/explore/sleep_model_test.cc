// Sleeping and waking under every schedule: a job that an outsider pushes runs,
// and nobody sleeps for ever.
//
// The workers are the real ones, in their real loop, on a poller that sleeps on
// a bell (modelled_poller.cc). So the protocol of idle.h, the inbox, the wake
// flag and the order in which the worker asks are explored together.
//
// SPDX-License-Identifier: MIT

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"
#include "weft/tests/explore/blocking.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {
namespace {

using weft::internal::Job;
using weft::internal::Scheduler;
using weft::internal::ThisThread;

// Tells the thread that pushed it that it has run.
class Errand final : public Job {
 public:
  void PushTo(Scheduler& scheduler) {
    content_.Set(1);
    scheduler.Schedule(*this);
  }
  void WaitUntilRun() { done_.Take(); }

  Continuation Run(ThisThread&) noexcept override {
    Check(content_.Get() == 1, "it is complete");
    Check(!std::exchange(has_run_, true), "it runs once");
    done_.Give();
    return {};
  }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

 private:
  Plain<int> content_;
  bool has_run_ = false;
  HandOver done_;
};

// The first threads are workers, the others push a job each.
template <int kWorkers, int kPushers>
struct SleepModel : RuntimeModel {
  int threads() const override { return kWorkers + kPushers; }
  void Run(int thread) override {
    if (thread < kWorkers) {
      scheduler->worker(thread).RunUntilStopped();
      Check(why_stopped.Get() == 1, "it sees why it stops");
      return;
    }
    Errand& errand = errands[thread - kWorkers];
    errand.PushTo(*scheduler);
    errand.WaitUntilRun();
    if (++pushers_done < kPushers) return;
    why_stopped.Set(1);
    scheduler->StopThreads();
  }

  LeapingClock clock;
  // One that is alone has nobody to look out for but those who wake it.
  std::unique_ptr<Scheduler> scheduler = *Scheduler::Create(
      {.workers = kWorkers,
       .system = &clock,
       .longest_spin = absl::Microseconds(kWorkers == 1 ? 0 : 100)});
  Errand errands[kPushers];
  int pushers_done = 0;
  Plain<int> why_stopped;
};

// Another thread polls for the worker, as the watch and siblings do when it is
// overdue.
struct PolledByAnother : SleepModel<1, 1> {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread < 2) return SleepModel::Run(thread);
    scheduler->worker(0).PollForOwner();
  }
};

// The runtime ends because of a job that an outsider is still busy pushing.
struct EndedByItsJob : RuntimeModel {
  class End final : public Job {
   public:
    explicit End(EndedByItsJob& model) : model_(model) {}
    Continuation Run(ThisThread&) noexcept override {
      model_.scheduler->StopThreads();
      return {};
    }
    PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

   private:
    EndedByItsJob& model_;
  };

  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 1) return scheduler->Schedule(end);
    scheduler->worker(0).RunUntilStopped();
    scheduler.reset();
  }

  LeapingClock clock;
  std::unique_ptr<Scheduler> scheduler = *Scheduler::Create(
      {.workers = 1, .system = &clock, .longest_spin = absl::ZeroDuration()});
  End end{*this};
};

TEST(SleepModelTest, WakesTheOnlyWorker) { ExpectHolds<SleepModel<1, 1>>(); }

// With two preemptions it is more than a CI has time for (over 25 million).
TEST(SleepModelTest, WakesOneOfTwoWorkers) {
  ExpectHolds<SleepModel<2, 1>>({.preemptions = 1});
}

TEST(SleepModelTest, WakesForEachOfTwoPushers) {
  ExpectHolds<SleepModel<1, 2>>();
}

TEST(SleepModelTest, WakesAWorkerThatAnotherPollsFor) {
  ExpectHolds<PolledByAnother>();
}

TEST(SleepModelTest, EndsAfterTheOutsidersHaveLeft) {
  ExpectHolds<EndedByItsJob>();
}

TEST(SleepModelTest, FindsAnEndBeforeTheOutsidersHaveLeft) {
  ExpectFound<EndedByItsJob>(Bug::kTheSchedulerLeavesOutsidersBehind);
}

TEST(SleepModelTest, FindsASleepWithoutASecondLook) {
  ExpectFound<SleepModel<1, 1>>(Bug::kSleepsWithoutASecondLook);
}

TEST(SleepModelTest, FindsAPusherThatLooksBeforeItPushes) {
  ExpectFound<SleepModel<1, 1>>(Bug::kLooksForSleepersBeforeItPushes);
}

TEST(SleepModelTest, FindsAFlagThatIsLoweredTooEarly) {
  ExpectFound<SleepModel<1, 2>>(Bug::kLowersTheFlagBeforeTheSilence);
}

TEST(SleepModelTest, FindsAClaimThatOwesNoWake) {
  ExpectFound<SleepModel<1, 1>>(Bug::kClaimsASleeperAndWakesNobody);
}

TEST(SleepModelTest, FindsASleepInWhichAnotherHearsTheBell) {
  ExpectFound<PolledByAnother>(Bug::kLooksAgainBeforeItOwnsThePoller);
}

constexpr char kBellInOrder[] =
    "the bell is the kernel's, and rings in the order of execution here";
constexpr char kHint[] =
    "stronger than needed: a hint, which Withdraw decides; whoever has pushed "
    "a job asks Claim";
constexpr char kOnlyAClaim[] =
    "stronger than needed: it decides who wakes, and hands nothing over";

TEST(SleepModelTest, NeedsEveryOrder) {
  const std::string idle = "runtime/internal/idle.h ";
  const std::string flag = "reactor/wake_flag.h ";
  ExpectEveryOrderIsNeeded<SleepModel<1, 1>, SleepModel<1, 2>, PolledByAnother,
                           EndedByItsJob>(
      {"runtime/internal/idle.h", "runtime/internal/inbox.h",
       "reactor/wake_flag.h", "runtime/internal/worker.cc",
       "runtime/internal/scheduler.cc", "runtime/internal/scheduler.h"},
      {
          {flag + "Lower: exchange acq_rel -> acquire", kBellInOrder},
          {flag + "Raise: exchange acq_rel -> release", kBellInOrder},
          {idle + "ClaimAny: load seq_cst -> acquire", kHint},
          {idle + "ClaimAny: load seq_cst -> relaxed", kHint},
          {idle + "Withdraw: update seq_cst -> acq_rel", kOnlyAClaim},
          {idle + "Withdraw: update seq_cst -> acquire", kOnlyAClaim},
          {idle + "Withdraw: update seq_cst -> release", kOnlyAClaim},
      },
      {.preemptions = 1});
}

}  // namespace
}  // namespace weft::explore
