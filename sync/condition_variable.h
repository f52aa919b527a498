// ConditionVariable: waits for what others change under a Mutex.
//
//     Mutex::Guard guard = co_await OrReturn(mutex.Lock());
//     auto any = [&jobs] { return !jobs.empty(); };
//     co_await OrReturn(changed.Wait(guard, any));
//     Job job = Take(jobs);                    // The lock is held here.
//
//     Mutex::Guard guard = co_await OrReturn(mutex.Lock());
//     jobs.push_back(...);
//     changed.NotifyOne();
//
// The lock is held again on every way out of a wait: the predicate holds, or
// the wait was cancelled. After Hoare, "Monitors", CACM 1974, with the signals
// of Mesa: whoever is notified asks again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_CONDITION_VARIABLE_H_
#define WEFT_SYNC_CONDITION_VARIABLE_H_

#include <concepts>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/task.h"
#include "weft/sync/mutex.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class ConditionVariable : WaitList {
 public:
  // Waits until `predicate()` is true, which is asked with the lock held. The
  // lock of `guard` is released while the task waits.
  //
  // Suspends: while the predicate is false; and then until the lock is free.
  // Cancel:   CANCELLED, with the lock held again: taking it back is shielded.
  //           A predicate that is true by then counts: OK.
  // Threads:  any. All who wait on one condition hold the same mutex.
  // Borrows:  the condition, the guard and what the predicate refers to, until
  //           the wait is over.
  // Requires: the guard is not empty.
  // Cost:     a frame from the pool; for each time it parks a spin lock, and
  //           another frame, which is made before the lock is let go.
  template <std::predicate Predicate>
  Task<absl::Status> Wait(Mutex::Guard& guard, Predicate predicate);

  // Wakes the task that has waited longest, or all. Any thread, tasks or not;
  // whoever changes what the predicates ask holds the mutex while it does, and
  // may notify with it or after it.
  void NotifyOne() noexcept;
  void NotifyAll() noexcept;

 private:
  class ParkAwaiter;

  static Task<> Relock(Mutex& mutex, Mutex::Guard& guard);
};

// Releases the lock once nobody can notify without finding us.
class [[nodiscard("co_await it")]] ConditionVariable::ParkAwaiter final
    : public Waiter {
 public:
  ParkAwaiter(ConditionVariable& condition, Mutex::Guard& guard) noexcept
      : Waiter(condition), guard_(guard) {}

  absl::Status await_resume() const { return status(); }

  WaitDescription Describe() const noexcept override {
    return {.kind = "condition variable", .on = &list()};
  }

 private:
  // With the list's lock held: a notifier that gets the mutex now waits for
  // that lock, and finds us linked.
  bool TryLocked(WakeList& granted) noexcept override {
    guard_.UnlockInto(granted);
    return false;
  }
  // Somebody else is told in our place.
  void GiveBack() noexcept override {
    static_cast<ConditionVariable&>(list()).NotifyOne();
  }

  Mutex::Guard& guard_;
};

template <std::predicate Predicate>
Task<absl::Status> ConditionVariable::Wait(Mutex::Guard& guard,
                                           Predicate predicate) {
  ABSL_RAW_CHECK(static_cast<bool>(guard),
                 "a wait for a condition holds its mutex: Lock it first");
  Mutex& mutex = *guard.mutex();
  while (!predicate()) {
    // Made now, so that nothing can fail once the lock has been let go.
    Task<> relock = Relock(mutex, guard);
    const absl::Status waited = co_await ParkAwaiter(*this, guard);
    if (!guard) co_await Shield(std::move(relock));
    if (!waited.ok() && !predicate()) co_return waited;
  }
  co_return absl::OkStatus();
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_CONDITION_VARIABLE_H_
