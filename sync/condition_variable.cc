// Notifying, and the way back to the lock.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/condition_variable.h"

#include <mutex>
#include <utility>

#include "absl/status/statusor.h"

namespace weft::sync {

void ConditionVariable::NotifyOne() noexcept {
  Waiter* waiter;
  {
    std::lock_guard guard(lock());
    waiter = Pop();
  }
  if (waiter != nullptr) waiter->Wake();
}

void ConditionVariable::NotifyAll() noexcept {
  WakeList woken;
  {
    std::lock_guard guard(lock());
    while (Waiter* const waiter = Pop()) woken.Add(*waiter);
  }
  woken.WakeAll();
}

// In a Shield: no cancellation ends this wait.
Task<> ConditionVariable::Relock(Mutex& mutex, Mutex::Guard& guard) {
  absl::StatusOr<Mutex::Guard> locked = co_await mutex.Lock();
  guard.Adopt(*std::move(locked));
}

}  // namespace weft::sync
