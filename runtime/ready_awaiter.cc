// Waiting for a descriptor.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/ready_awaiter.h"

#include "weft/reactor/reactor.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"

namespace weft {
namespace internal {

WaitDescription ReadyLeaf::Describe() const noexcept {
  return {
      .kind = direction_ == reactor::Direction::kRead ? "readable" : "writable",
      .on = &source_};
}

absl::Status ReadyLeaf::WhyNot() const noexcept {
  if (IsCancelled()) [[unlikely]]
    return CancelledError();
  if (source_.closed()) [[unlikely]]
    return reactor::ClosedByOwnerError();
  return absl::OkStatus();
}

absl::Status ReadyLeaf::Register() noexcept {
  return source_.Register(CurrentReactor());
}

bool ReadyLeaf::Arm() noexcept {
  // Published before it is armed: a canceller in between nudges the source, and
  // then Arm refuses.
  if (!Publish()) return false;
  armed_ = true;
  if (source_.Arm(direction_, *this) == reactor::ArmResult::kWaiting) {
    return true;
  }
  armed_ = false;
  Retract();
  return false;
}

}  // namespace internal

bool ReadyAwaiter::await_ready() noexcept {
  queue_first_ = EnterOperation() == Entry::kQueueFirst;
  status_ = WhyNot();
  if (!status_.ok()) return true;
  if (source_.IsReady(direction_)) return !queue_first_;
  queue_first_ = false;  // It waits anyway.
  status_ = Register();
  return !status_.ok();
}

bool ReadyAwaiter::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  // From here on `*this` may be gone.
  if (!queue_first_) return Arm();
  ScheduleFairly();
  return true;
}

absl::Status ReadyAwaiter::await_resume() noexcept {
  return status_.ok() ? WhyNot() : std::move(status_);
}

}  // namespace weft
