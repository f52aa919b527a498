// Barrier: so many parties wait for each other, again and again.
//
//     phase 0:  A arrives ...  B arrives ...  C arrives -> completion, all go
//     phase 1:  ...
//
// The last to arrive runs the completion step, while the others still wait, and
// then the next phase begins.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_BARRIER_H_
#define WEFT_SYNC_BARRIER_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class Barrier : WaitList {
 public:
  class ArriveAwaiter;

  // For so many parties. `completion` is called once a phase, on the thread of
  // whoever arrives last, and must not throw; null for none.
  // Requires: one party at least.
  explicit Barrier(std::int64_t parties,
                   std::function<void()> completion = nullptr);

  // Arrives, and waits until all have. Returns the phase that this completed,
  // counted from 0. What the parties did before they arrived is visible to the
  // completion step and, with that, to all who go on.
  //
  // Suspends: until every party has arrived in this phase.
  // Cancel:   CANCELLED; the caller has not arrived: somebody must come in its
  //           place, or the others wait for ever. (ArriveAndDrop, if nobody
  //           will.)
  // Threads:  any.
  // Borrows:  the barrier, until the wait is over.
  // Cost:     one spin lock; no allocation.
  ArriveAwaiter ArriveAndWait() noexcept;

  // Arrives for this phase, and is missed in no later one. Does not wait; runs
  // the completion step where it is the last. Any thread, tasks or not.
  // Requires: a party is left that has not arrived.
  void ArriveAndDrop() noexcept;

 private:
  // With the lock held, both: all have arrived; and those who wait are taken
  // out into `released`, for whoever came last to Complete.
  bool IsLastLocked() const noexcept { return arrived_ == parties_; }
  void BeginNextPhaseLocked(WakeList& released) noexcept;
  // The step, and then the others go on. An exception ends the program: nobody
  // could wake them any more.
  void Complete(WakeList& released) noexcept;

  const std::function<void()> completion_;
  // Guarded by lock(), all three.
  std::int64_t parties_;
  std::int64_t arrived_ = 0;
  std::uint64_t phase_ = 0;
};

class [[nodiscard("co_await it")]] Barrier::ArriveAwaiter final
    : public Waiter {
 public:
  explicit ArriveAwaiter(Barrier& barrier) noexcept : Waiter(barrier) {}
  ~ArriveAwaiter() { LeaveIfParked(); }

  absl::StatusOr<std::uint64_t> await_resume();

  WaitDescription Describe() const noexcept override {
    return {.kind = "barrier", .on = &barrier()};
  }

 private:
  bool TryLocked(WakeList&) noexcept override;
  void AfterCancel(WakeList&) noexcept override { --barrier().arrived_; }
  Barrier& barrier() const noexcept { return static_cast<Barrier&>(list()); }

  std::uint64_t phase_ = 0;
  // The last one's: whom it lets go once the completion step is done.
  WakeList released_;
  bool last_ = false;
};

inline Barrier::ArriveAwaiter Barrier::ArriveAndWait() noexcept {
  return ArriveAwaiter(*this);
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_BARRIER_H_
