// OnTimeout and OnDeadline: the arm of a Select that the clock chooses.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TIMER_ARM_H_
#define WEFT_RUNTIME_TIMER_ARM_H_

#include <concepts>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/runtime/callback_arm.h"
#include "weft/runtime/current.h"

namespace weft {
namespace internal {

class TimerArmBase : public CallbackArm, reactor::TimerWheel::Timer {
 public:
  bool TryNow() noexcept final;
  bool TryAgain() noexcept final;
  Parking Park() noexcept final;
  void Unpark() noexcept final;

 protected:
  explicit TimerArmBase(absl::Duration timeout) noexcept : timeout_(timeout) {}
  explicit TimerArmBase(Instant deadline) noexcept
      : relative_(false), deadline_(deadline) {}
  ~TimerArmBase() = default;

 private:
  void OnTimer() noexcept final { Called(); }

  const bool relative_ = true;
  const absl::Duration timeout_ = absl::ZeroDuration();
  // Where it is relative, counted from the moment when the Select has found
  // nothing ready: most are over before, and read no clock.
  std::optional<Instant> deadline_;
  reactor::TimerWheel* wheel_ = nullptr;
};

}  // namespace internal

template <std::invocable Handler>
class [[nodiscard("an arm is for a Select")]] TimerArm final
    : public internal::TimerArmBase {
 public:
  TimerArm(absl::Duration timeout, Handler handler)
      : TimerArmBase(timeout), handler_(std::move(handler)) {}
  TimerArm(Instant deadline, Handler handler)
      : TimerArmBase(deadline), handler_(std::move(handler)) {}

  void Deliver() override { handler_(); }

 private:
  Handler handler_;
};

// Chosen when `timeout` has passed and nothing else was; at once, among what is
// ready, where it is not positive. Units: as SleepFor. Cost: no allocation; a
// timer where the Select has to wait.
template <std::invocable Handler = JustChosen>
TimerArm<Handler> OnTimeout(absl::Duration timeout, Handler handler = {}) {
  return TimerArm<Handler>(timeout, std::move(handler));
}

// As OnTimeout, once the runtime's clock reads `deadline`: for a time limit of
// a whole loop. Cost: as OnTimeout, and a read of the clock.
template <std::invocable Handler = JustChosen>
TimerArm<Handler> OnDeadline(Instant deadline, Handler handler = {}) {
  return TimerArm<Handler>(deadline, std::move(handler));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_TIMER_ARM_H_
