// Cancellation under every schedule: a wait ends once, by its wake or by a
// canceller, and its leaf does not go away under whoever looks at it.
//
// SPDX-License-Identifier: MIT

#include <mutex>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/leaf.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

// The smallest structure to wait in: a gate for one.
struct Gate {
  void Open();

  SpinLock lock;
  bool open = false;  // Guarded by lock, as is the next.
  class Passing* waiting = nullptr;
};

// A wait at it, which says so when it is touched too late.
class Passing final : public Leaf {
 public:
  explicit Passing(Gate& gate) : gate_(gate) {}

  bool await_ready() { return false; }
  bool await_suspend(Continuation caller) {
    Prepare(caller);
    content_.Set(1);
    const std::lock_guard guard(gate_.lock);
    if (gate_.open) return false;
    gate_.waiting = this;
    if (Publish()) return true;
    gate_.waiting = nullptr;
    cancelled_ = true;
    return false;
  }
  // True: passed. False: cancelled.
  bool await_resume() {
    content_.Set(2);
    return !cancelled_;
  }

  void Open() { Schedule(); }
  void Cancel() noexcept override {
    Touch();
    {
      const std::lock_guard guard(gate_.lock);
      if (gate_.waiting != this) return Touch();
      gate_.waiting = nullptr;
      cancelled_ = true;
    }
    Schedule();
    Touch();  // It is held.
  }
  WaitDescription Describe() const noexcept override {
    Touch();
    return {};
  }

 private:
  void Touch() const {
    static_cast<void>(alive_.load(std::memory_order_relaxed));
    static_cast<void>(content_.Get());
  }

  Gate& gate_;
  bool cancelled_ = false;
  Atomic<int> alive_{1};
  Plain<int> content_;
};

void Gate::Open() {
  Passing* passing;
  {
    const std::lock_guard guard(lock);
    open = true;
    passing = std::exchange(waiting, nullptr);
  }
  if (passing != nullptr) passing->Open();
}

struct CancelModel : TaskModel {
  // Thread 0 waits, twice if it may.
  void Wait() {
    wait.emplace(gate);
    const bool passed = Await(*wait);
    wait.reset();
    Check(passed || scope(0).cancelled(), "it ended for a reason");
    if (passed) return;
    wait.emplace(closed_gate);
    Check(!Await(*wait), "every later wait is cancelled, too");
    wait.reset();
  }

  Gate gate;
  Gate closed_gate;
  std::optional<Passing> wait;
};

// Nobody opens the gate.
struct OnlyCancelled : CancelModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) return Wait();
    scope(0).Cancel();
  }
};

struct CancelledOrOpened : CancelModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) return Wait();
    if (thread == 1) return gate.Open();
    scope(0).Cancel();
  }
};

struct CancelledUnderALook : CancelModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) return Wait();
    if (thread == 1) return scope(0).Cancel();
    scope(0).Look([](Leaf& leaf) { static_cast<void>(leaf.Describe()); });
  }
};

TEST(CancelModelTest, EndsAWaitByEitherOfTwoCancellers) {
  ExpectHolds<OnlyCancelled>();
}

TEST(CancelModelTest, EndsAWaitByItsWakeOrACanceller) {
  ExpectHolds<CancelledOrOpened>();
}

TEST(CancelModelTest, KeepsTheLeafWhileItIsLookedAt) {
  ExpectHolds<CancelledUnderALook>();
}

TEST(CancelModelTest, FindsALeafThatIsNotHeld) {
  ExpectFound<CancelledOrOpened, OnlyCancelled>(Bug::kCancelsWithoutHolding);
}

TEST(CancelModelTest, FindsAWaitThatBeginsCancelled) {
  ExpectFound<OnlyCancelled>(Bug::kPublishesInACancelledScope);
}

TEST(CancelModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<OnlyCancelled, CancelledOrOpened,
                           CancelledUnderALook>({"runtime/task_context.cc"});
}

}  // namespace
}  // namespace weft::explore
