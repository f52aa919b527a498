// Event: something has happened, once for everybody.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_EVENT_H_
#define WEFT_SYNC_EVENT_H_

#include "absl/status/status.h"
#include "weft/runtime/atomic.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class Event : WaitList {
 public:
  class WaitAwaiter;

  // Waits until the event is set. It stays set until Reset.
  //
  // Suspends: while the event is not set.
  // Cancel:   CANCELLED.
  // Threads:  any.
  // Borrows:  the event, until the wait is over. The waiter may destroy it
  //           then, even while Set is still returning on another thread.
  // Cost:     one load when set; no allocation.
  WaitAwaiter Wait() noexcept;

  // Sets the event and wakes everybody who waits. What the setter did before is
  // visible to them. Any thread, tasks or not.
  void Set() noexcept;

  // Later waits wait again. Those that have been woken stay so.
  void Reset() noexcept;

  bool is_set() const noexcept {
    // acquire: pairs with the release in Set.
    return set_.load(std::memory_order_acquire);
  }

 private:
  Atomic<bool> set_{false};  // Written under the list's lock.
};

class [[nodiscard("co_await it")]] Event::WaitAwaiter final : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit WaitAwaiter(Event& event) noexcept : Waiter(event) {}

  absl::Status await_resume() const { return status(); }

  WaitDescription Describe() const noexcept override {
    return {.kind = "event", .on = &event()};
  }

 private:
  bool TryFast() noexcept override { return event().is_set(); }
  bool IsWorthTheLock() const noexcept override { return false; }
  bool TryLocked(WakeList&) noexcept override { return event().is_set(); }

  // The list is the event: a waiter need not know both.
  Event& event() const noexcept { return static_cast<Event&>(list()); }
};

inline Event::WaitAwaiter Event::Wait() noexcept { return WaitAwaiter(*this); }

}  // namespace weft::sync

#endif  // WEFT_SYNC_EVENT_H_
