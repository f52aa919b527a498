// An arm in the word of a descriptor's direction.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/ready_arm.h"

#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"

namespace weft::internal {

bool ReadyArmBase::TryNow() noexcept {
  registered_ = absl::OkStatus();
  return source_.closed() || source_.IsReady(direction_);
}

Arm::Parking ReadyArmBase::Park() noexcept {
  if (!selection().BeginTrying()) return Parking::kDecided;
  registered_ = source_.Register(CurrentReactor());
  if (!registered_.ok()) return Parking::kTaken;
  ExpectCall();
  if (source_.Arm(direction_, *this) != reactor::ArmResult::kWaiting) {
    return Parking::kTaken;
  }
  return selection().Reopen() ? Parking::kParked : Parking::kMissed;
}

void ReadyArmBase::Unpark() noexcept {
  if (!source_.Disarm(direction_, *this)) AwaitCall();
}

absl::Status ReadyArmBase::status() const {
  if (source_.closed()) return reactor::ClosedByOwnerError();
  return registered_;
}

}  // namespace weft::internal
