// Setting wakes everybody.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/event.h"

#include <mutex>

namespace weft::sync {

void Event::Set() noexcept {
  WakeList granted;
  {
    std::lock_guard guard(lock());
    // release: pairs with the acquire in is_set. A waiter that checks under the
    // lock is ordered by the lock.
    set_.store(true, std::memory_order_release);
    while (Waiter* const waiter = Pop()) granted.Add(*waiter);
  }
  // The event may be gone by now: a waiter that saw it set may destroy it.
  granted.WakeAll();
}

void Event::Reset() noexcept {
  std::lock_guard guard(lock());
  set_.store(false, std::memory_order_relaxed);
}

}  // namespace weft::sync
