// An arm in the word of a task.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/join_arm.h"

namespace weft::internal {

Arm::Parking JoinArmBase::Park() noexcept {
  if (!selection().BeginTrying()) return Parking::kDecided;
  ExpectCall();
  if (!task_.SetJoiner(*this)) return Parking::kTaken;
  return selection().Reopen() ? Parking::kParked : Parking::kMissed;
}

void JoinArmBase::Unpark() noexcept {
  if (task_.TakeJoinerBack(*this) != Root::TakenBack::kYes) AwaitCall();
}

}  // namespace weft::internal
