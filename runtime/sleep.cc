// A timer in the waiting frame.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/sleep.h"

#include <utility>

#include "weft/reactor/reactor.h"
#include "weft/runtime/cancellation.h"

namespace weft {

bool SleepAwaiter::await_ready() noexcept {
  const Entry entry = EnterOperation();
  if (entry == Entry::kCancelled) {
    status_ = CancelledError();
    return true;
  }
  const Instant now = Now();
  if (duration_ != absl::ZeroDuration()) deadline_ = now + duration_;
  over_ = deadline_ <= now;
  return over_ && entry == Entry::kGo;
}

bool SleepAwaiter::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  if (over_) {
    ScheduleFairly();  // From here on `*this` may be gone.
    return true;
  }
  wheel_ = &CurrentReactor().timers();
  // Published under the wheel's lock, so that neither a canceller nor the clock
  // can come in between. From here on `*this` may be gone.
  if (wheel_->ArmIf(*this, deadline_, [this] { return Publish(); })) {
    return true;
  }
  wheel_ = nullptr;
  status_ = CancelledError();
  return false;
}

void SleepAwaiter::Cancel() noexcept {
  if (!wheel_->Cancel(*this)) return;  // It fires: the clock owns the wake.
  status_ = CancelledError();
  Schedule();
}

// Still armed only in the frame of a runtime that has stopped.
SleepAwaiter::~SleepAwaiter() {
  if (wheel_ != nullptr) wheel_->Cancel(*this);
}

}  // namespace weft
