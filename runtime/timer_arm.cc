// An arm in the timer wheel.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/timer_arm.h"

#include "weft/reactor/reactor.h"

namespace weft::internal {

bool TimerArmBase::TryNow() noexcept {
  if (!relative_) return *deadline_ <= Now();
  deadline_.reset();
  return timeout_ <= absl::ZeroDuration();
}

bool TimerArmBase::TryAgain() noexcept {
  return deadline_.has_value() && *deadline_ <= Now();
}

// It never takes effect here: what is due fires when the worker looks next.
Arm::Parking TimerArmBase::Park() noexcept {
  if (!deadline_.has_value()) deadline_ = Now() + timeout_;
  wheel_ = &CurrentReactor().timers();
  ExpectCall();
  wheel_->Arm(*this, *deadline_);
  return Parking::kParked;
}

void TimerArmBase::Unpark() noexcept {
  if (!wheel_->Cancel(*this)) AwaitCall();
}

}  // namespace weft::internal
