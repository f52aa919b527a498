// CallbackArm: an arm that is told by a callback which nothing locks.
//
// A timer fires, a task ends, a descriptor is ready: each takes the arm out of
// its structure first and calls it then. An owner that comes too late to take
// it back waits, spinning, for the few instructions until that call is through,
// so that the arm's frame does not go away under it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_CALLBACK_ARM_H_
#define WEFT_RUNTIME_CALLBACK_ARM_H_

#include "weft/reactor/spin_wait.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/selection.h"

namespace weft {

class CallbackArm : public Arm {
 protected:
  CallbackArm() = default;
  ~CallbackArm() = default;

  // Before it is put where somebody may call.
  void ExpectCall() noexcept {
    // relaxed: whoever calls has found us in the structure.
    called_.store(false, std::memory_order_relaxed);
  }

  // The callback. From here on `*this` may be gone.
  void Called() noexcept {
    if (Claim()) return selection().Woken();
    // release: pairs with the acquire in AwaitCall. Nothing is touched later.
    called_.store(true, std::memory_order_release);
  }

  // It could not be taken back, and was not claimed.
  void AwaitCall() noexcept {
    reactor::SpinWait spin;
    // acquire: pairs with the release in Called.
    while (!called_.load(std::memory_order_acquire)) spin.Once();
  }

 private:
  Atomic<bool> called_{false};
};

}  // namespace weft

#endif  // WEFT_RUNTIME_CALLBACK_ARM_H_
