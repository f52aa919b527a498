// Semaphore: so many permits, and not one more.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_SEMAPHORE_H_
#define WEFT_SYNC_SEMAPHORE_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class Semaphore : WaitList {
 public:
  class Permit;
  class AcquireAwaiter;

  // `permits` may be taken at a time. Release may raise that.
  explicit Semaphore(std::int64_t permits) noexcept : available_(permits) {}

  // Takes `count` permits, all at once, and returns a Permit that gives them
  // back.
  //
  //     Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
  //
  // Suspends: until that many are free and every earlier caller has been
  //           served: a small request does not overtake a big one.
  // Cancel:   CANCELLED; no permit was taken.
  // Errors:   INVALID_ARGUMENT for a negative count; OUT_OF_RANGE once the
  //           semaphore is closed, whatever is free.
  // Threads:  any. The Permit may be released on another thread.
  // Borrows:  the semaphore, until the wait is over and the Permit is gone.
  // Cost:     one spin lock; no allocation.
  AcquireAwaiter Acquire(std::int64_t count = 1) noexcept;

  // As Acquire, but never suspends: an empty Permit where it would have to.
  Permit TryAcquire(std::int64_t count = 1) noexcept;

  // Adds permits that nobody acquired, or gives back those of a Permit that was
  // forgotten. Any thread, tasks or not.
  // Requires: a count that is not negative, and a sum that can be counted.
  void Release(std::int64_t count = 1) noexcept;

  // No more permits: those who wait and those who come get OUT_OF_RANGE.
  // Permits that are out stay valid, and can be given back. Idempotent; any
  // thread, tasks or not.
  void Close() noexcept;
  bool closed() noexcept;

  // A hint: others change it.
  std::int64_t available() noexcept;

 private:
  bool TakeLocked(std::int64_t count) noexcept;
  // Serves the queue's front as far as the permits go.
  void GrantLocked(WakeList& granted) noexcept;

  // Guarded by lock(), both.
  std::int64_t available_;
  bool closed_ = false;
};

class [[nodiscard("dropping the Permit releases at once")]] Semaphore::Permit {
 public:
  Permit() = default;
  // Adopts permits that were taken. For the awaiter.
  Permit(Semaphore& semaphore, std::int64_t count) noexcept
      : semaphore_(&semaphore), count_(count) {}
  Permit(Permit&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)),
        count_(other.count_) {}
  Permit& operator=(Permit&&) = delete;  // Would have to release first.
  ~Permit() {
    if (semaphore_ != nullptr) semaphore_->Release(count_);
  }
  explicit operator bool() const noexcept { return semaphore_ != nullptr; }

  // Keeps the permits taken for good, or until a Release elsewhere.
  void Forget() noexcept { semaphore_ = nullptr; }

 private:
  Semaphore* semaphore_ = nullptr;
  std::int64_t count_ = 0;
};

class [[nodiscard("co_await it")]] Semaphore::AcquireAwaiter final
    : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  AcquireAwaiter(Semaphore& semaphore, std::int64_t count) noexcept
      : Waiter(semaphore), count_(count) {}
  ~AcquireAwaiter() { LeaveIfParked(); }

  absl::StatusOr<Permit> await_resume();

  WaitDescription Describe() const noexcept override {
    return {.kind = "semaphore", .on = &semaphore()};
  }

 private:
  friend class Semaphore;

  bool TryLocked(WakeList&) noexcept override;
  void AfterCancel(WakeList& granted) noexcept override {
    semaphore().GrantLocked(granted);
  }
  void GiveBack() noexcept override {
    if (!refused_) semaphore().Release(count_);
  }
  Semaphore& semaphore() const noexcept {
    return static_cast<Semaphore&>(list());
  }

  const std::int64_t count_;
  bool refused_ = false;  // The semaphore is closed.
};

inline Semaphore::AcquireAwaiter Semaphore::Acquire(
    std::int64_t count) noexcept {
  return AcquireAwaiter(*this, count);
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_SEMAPHORE_H_
