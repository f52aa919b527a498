// A join under every schedule: the task's end, the joiner, a canceller and the
// handle meet in one word, and each wake has one owner.
//
// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/reactor/spin_wait.h"
#include "weft/runtime/internal/join_leaf.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

using internal::Joiner;
using internal::JoinLeaf;
using internal::Root;
using internal::Scheduler;
using internal::ThisThread;

// A spawned task, from the moment when its coroutine has ended.
class Ended final : public Root {
 public:
  Ended(internal::TaskList& home, std::optional<Ended>& place)
      : Root(home), place_(place) {}

  Continuation End() {
    result_.Set(42);
    return PublishResult(weft::internal::Here());
  }
  int result() const { return result_.Get(); }

  void LetGo() {
    last_use_.Set(1);
    ReleaseHandle();
  }

 private:
  PromiseBase& frame() noexcept override { Fail("it has ended"); }
  void TakeResult() noexcept override {}
  void ForgetFrame() noexcept override {}
  Continuation Finish(ThisThread&) noexcept override { return {}; }
  void Free() noexcept override {
    Check(result_.Get() == 42, "it is freed with its result");
    Check(last_use_.Get() == 1, "nobody uses it any more");
    place_.reset();
  }

  std::optional<Ended>& place_;
  Plain<int> result_;
  Plain<int> last_use_;
};

// The task and who owns it: it is born on a runtime that nobody runs.
struct OneTask {
  OneTask() { task.emplace(scheduler->worker(0).registry(), task); }

  LeapingClock clock;
  std::unique_ptr<Scheduler> scheduler = *Scheduler::Create(
      {.workers = 1, .system = &clock, .longest_spin = absl::ZeroDuration()});
  std::optional<Ended> task;
};

// co_await handle.Join(), and what comes of it.
class Joining final : public JoinLeaf {
 public:
  using JoinLeaf::JoinLeaf;
  absl::Status await_resume() { return EndWait(); }
};

// Thread 0 joins and lets go of the handle, thread 1 is the task.
struct JoinModel : TaskModel {
  int threads() const override { return 2; }
  void RunTask(int thread) override {
    if (thread == 0) return Join();
    if (thread == 1) return static_cast<void>(one.task->End());
    scope(0).Cancel();
  }
  void Finally() override { Check(!one.task, "it is freed"); }

  void Join() {
    const absl::Status joined = JoinOnce();
    Check(joined.ok() || scope(0).cancelled(), "it ended for a reason");
    if (joined.ok()) {
      Check(one.task->result() == 42, "the result is complete");
    } else {
      Check(absl::IsCancelled(JoinOnce()), "later waits are cancelled, too");
    }
    one.task->LetGo();
  }
  absl::Status JoinOnce() {
    Joining join(*one.task);
    return Await(join);
  }

  OneTask one;
};

struct CancelledJoin : JoinModel {
  int threads() const override { return 3; }
};

// Somebody else asks whether the task has finished, and builds on the answer.
struct WatchedJoin : JoinModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      Check(JoinOnce().ok(), "it has a result");
    } else if (thread == 1) {
      static_cast<void>(one.task->End());
    } else if (one.task->finished()) {
      Check(one.task->result() == 42, "the result is complete");
    }
  }
  void Finally() override { one.task->LetGo(); }
};

// The word by itself. What the joiner is made of, it has written before it
// comes, and whoever takes it out of the word may read.
struct TakenBackModel : RuntimeModel {
  class Waiting final : public Joiner {
   public:
    // Waits until somebody owns the wake, or finds the task finished.
    void WaitFor(Root& task) {
      content_.Set(1);
      if (task.SetJoiner(*this)) woken_.Take();
      content_.Set(2);
    }
    void TakeBackFrom(Root& task) {
      reactor::SpinWait spin;
      Root::TakenBack taken = task.TakeJoinerBack(*this);
      while (taken == Root::TakenBack::kNotSetYet) {
        spin.Once();
        taken = task.TakeJoinerBack(*this);
      }
      if (taken == Root::TakenBack::kYes) Wake();
    }
    Continuation OnFinished(ThisThread&) noexcept override {
      Wake();
      return {};
    }

   private:
    void Wake() {
      Check(content_.Get() == 1, "the joiner is complete");
      woken_.Give();
    }

    Plain<int> content_;
    HandOver woken_;
  };

  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) return joiner.WaitFor(*one.task);
    if (thread == 1) return static_cast<void>(one.task->End());
    joiner.TakeBackFrom(*one.task);
  }
  void Finally() override {
    Check(one.task->finished(), "the task has finished");
    one.task->LetGo();
  }

  OneTask one;
  Waiting joiner;
};

TEST(JoinModelTest, GivesTheResultToWhoJoins) { ExpectHolds<JoinModel>(); }

TEST(JoinModelTest, EndsByTheTaskOrACanceller) { ExpectHolds<CancelledJoin>(); }

TEST(JoinModelTest, TellsABystanderTheTruth) { ExpectHolds<WatchedJoin>(); }

TEST(JoinModelTest, HandsTheJoinerToWhoTakesItOut) {
  ExpectHolds<TakenBackModel>();
}

TEST(JoinModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<JoinModel, CancelledJoin, WatchedJoin,
                           TakenBackModel>(
      {"runtime/internal/root.h", "runtime/internal/root.cc"});
}

}  // namespace
}  // namespace weft::explore
