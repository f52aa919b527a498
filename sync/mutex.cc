// The contended half of the mutex.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/mutex.h"

#include <mutex>

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

Mutex::~Mutex() {
  ABSL_RAW_CHECK(state_.load(std::memory_order_relaxed) == kFree,
                 "a weft::sync::Mutex was destroyed while it is locked: let "
                 "its Guard go first");
}

// With the list's lock held. Whatever the state was, it is kContended now, so
// an owner that unlocks comes for the list's lock and finds us.
bool Mutex::LockAwaiter::TryLocked(WakeList&) noexcept {
  // acquire: pairs with the release in Release, if it was free.
  const std::uint32_t before =
      mutex_.state_.exchange(kContended, std::memory_order_acquire);
  if (before != kFree) return false;
  // Ours. Nobody waits: with waiters the state would not have been kFree.
  mutex_.state_.store(kHeld, std::memory_order_relaxed);
  return true;
}

// With the list's lock held, as all changes away from kContended.
void Mutex::LockAwaiter::AfterCancel(WakeList&) noexcept {
  // relaxed: the owner keeps the lock, nothing is handed on.
  if (list().empty()) mutex_.state_.store(kHeld, std::memory_order_relaxed);
}

Waiter* Mutex::HandOver() noexcept {
  std::lock_guard lock(waiters_.lock());
  Waiter* const next = waiters_.Pop();
  if (next == nullptr) {
    // The last waiter left before we had the list's lock. release: as in
    // Release.
    state_.store(kFree, std::memory_order_release);
  } else if (waiters_.empty()) {
    // relaxed: the queue that runs the next owner orders it after us.
    state_.store(kHeld, std::memory_order_relaxed);
  }
  return next;
}

}  // namespace weft::sync
