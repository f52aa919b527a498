// Unfinished: how many things are still to be done, and who waits for none.
// The part of a Queue that does not depend on what is in it.
//
// The count is guarded by the lock of those who wait, also where nobody does.
// Rejected: an atomic count, and the lock only to wake. Between its last step
// down and the lock, a new item could be added and waited for, and that wait
// would be ended by the old item's end; or, with the count asked again under
// the lock, a moment when nothing was left would be missed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_UNFINISHED_H_
#define WEFT_SYNC_UNFINISHED_H_

#include <cstdint>

#include "absl/status/status.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class Unfinished : WaitList {
 public:
  class JoinAwaiter;

  // One more. Any thread, tasks or not, as Finish.
  void Add() noexcept;
  // One less; the last one wakes all who wait.
  // Requires: there is one.
  void Finish() noexcept;

  // Waits until there is none.
  //
  // Suspends: while there is one.
  // Cancel:   CANCELLED.
  JoinAwaiter Join() noexcept;

  // A hint: others change it.
  std::int64_t count() noexcept;

 private:
  std::int64_t count_ = 0;  // Guarded by lock().
};

class [[nodiscard("co_await it")]] Unfinished::JoinAwaiter final
    : public Waiter {
 public:
  explicit JoinAwaiter(Unfinished& unfinished) noexcept : Waiter(unfinished) {}

  absl::Status await_resume() const { return status(); }

  WaitDescription Describe() const noexcept override {
    return {.kind = "queue join", .on = &unfinished()};
  }

 private:
  bool TryLocked(WakeList&) noexcept override {
    return unfinished().count_ == 0;
  }
  Unfinished& unfinished() const noexcept {
    return static_cast<Unfinished&>(list());
  }
};

inline Unfinished::JoinAwaiter Unfinished::Join() noexcept {
  return JoinAwaiter(*this);
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_UNFINISHED_H_
