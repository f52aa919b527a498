// The timer wheel under every schedule: each timer fires or is cancelled, once.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {
namespace {

using reactor::Instant;
using reactor::TimerWheel;

class CountedTimer final : public reactor::Timer {
 public:
  void OnTimer() noexcept override {
    Check(content_.Get() == 1, "it is complete");
    End();
  }
  void Prepare() { content_.Set(1); }
  void CancelledBy(TimerWheel& wheel) {
    if (wheel.Cancel(*this)) End();
  }
  int ended() const { return ended_; }

 private:
  void End() { Check(++ended_ == 1, "it ends once"); }

  Plain<int> content_;
  int ended_ = 0;
};

struct WheelModel : Model {
  static Instant After(int milliseconds) {
    return Instant() + absl::Milliseconds(milliseconds);
  }
  void Arm(int index, int milliseconds) {
    timers[index].Prepare();
    wheel.Arm(timers[index], After(milliseconds));
  }
  void Finally() override {
    wheel.Fire(After(1'000));
    for (const CountedTimer& timer : timers) {
      Check(timer.ended() == 1, "it has ended");
    }
    Check(wheel.empty(), "it counts none");
  }

  TimerWheel wheel{Instant()};
  std::array<CountedTimer, 2> timers;
};

// The owner arms and fires; another cancels; a sibling looks in.
struct FiredOrCancelled : WheelModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) {
      Arm(0, 1);
      Arm(1, 200);
      armed.store(true, std::memory_order_release);
      wheel.Fire(After(2));
      wheel.Fire(After(300));
      // The first may be on its way in the sibling's hands.
      Check(timers[1].ended() == 1, "who is due is not forgotten");
    } else if (thread == 1) {
      wheel.Fire(After(2));
    } else if (armed.load(std::memory_order_acquire)) {
      timers[0].CancelledBy(wheel);
    }
  }

  reactor::Atomic<bool> armed;
};

// Two fire what is due, and one cancels.
struct FiredByTwo : WheelModel {
  FiredByTwo() {
    Arm(0, 1);
    Arm(1, 1);
  }
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread < 2) {
      wheel.Fire(After(2));
    } else {
      timers[1].CancelledBy(wheel);
    }
  }
};

TEST(TimerWheelModelTest, FiresOrIsCancelled) {
  ExpectHolds<FiredOrCancelled>();
}

TEST(TimerWheelModelTest, FiresEachTimerOnce) { ExpectHolds<FiredByTwo>(); }

TEST(TimerWheelModelTest, FindsACancellationOfWhatFires) {
  ExpectFound<FiredByTwo>(Bug::kCancelsATimerThatFires);
}

TEST(TimerWheelModelTest, FindsAForgottenTimer) {
  ExpectFound<FiredOrCancelled, FiredByTwo>(Bug::kFireForgetsWhatIsLater);
}

}  // namespace
}  // namespace weft::explore
