// A lock of one byte for critical sections of a few dozen instructions.
//
// It exists for structures where an outsider comes by rarely (a canceller at a
// timer wheel, a sibling at a stuck worker's): the owner then pays one
// exchange and one store, and no memory beyond a byte. A waiter spins for a
// bounded while and then gives its time slice away, since on a small machine
// the holder may be the very thread that ours displaced.
//
// Not for sections that may block, allocate or call foreign code: there a
// std::mutex is right. Works with std::lock_guard.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SPIN_LOCK_H_
#define WEFT_REACTOR_SPIN_LOCK_H_

#include "weft/reactor/atomic.h"
#include "weft/reactor/spin_wait.h"

namespace weft::reactor {

// The BasicLockable requirements fix the lower-case names.
class SpinLock {
 public:
  SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      LockWhenFree();
  }

  bool try_lock() noexcept {
    // acquire: pairs with the release in unlock; what the last holder wrote
    // is visible to us.
    return !locked_.exchange(true, std::memory_order_acquire);
  }

  void unlock() noexcept {
    // release: pairs with the acquire in try_lock.
    locked_.store(false, std::memory_order_release);
  }

 private:
  // Apart, so that who finds it free saves no registers for it.
  [[gnu::noinline]] void LockWhenFree() noexcept {
    SpinWait spin;
    do {
      // Waits on plain loads: they share the line, an exchange would steal it.
      // relaxed: only a hint; try_lock is what orders us after the holder.
      while (locked_.load(std::memory_order_relaxed)) spin.Once();
    } while (!try_lock());
  }

  Atomic<bool> locked_{false};
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SPIN_LOCK_H_
