// A lock that suspends the coroutine, not the thread.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_MUTEX_H_
#define WEFT_SYNC_MUTEX_H_

#include <cstdint>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/current.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class Mutex {
 public:
  class Guard;
  class LockAwaiter;

  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex();

  // Waits for the lock and returns a Guard that releases it.
  //
  //     Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  //
  // Prefer std::mutex when no co_await happens while the lock is held: it is
  // smaller and simpler. This one exists for the case where one does.
  //
  // Suspends: until every earlier caller has released it (first come, first
  //           served). Not at all when the lock is free.
  // Cancel:   CANCELLED; the caller has left the queue, lost its place, and
  //           never holds the lock.
  // Threads:  any. The Guard may be released on another thread than the one
  //           that acquired it.
  // Borrows:  the mutex, until the Guard is gone. Destroying a mutex that is
  //           held or awaited ends the program.
  // Cost:     one compare-and-swap when free; no allocation, ever.
  LockAwaiter Lock() noexcept;

  // As Lock, but never suspends: an empty Guard when the lock is taken.
  Guard TryLock() noexcept;

  // The id of the task that took the lock; 0 where it is free, or was taken
  // outside of a task. A hint: others change it. For dumps and deadlock
  // reports, which ask whom a task waits for.
  std::uint64_t holder() const noexcept {
    // relaxed: it names somebody, and hands nothing over.
    return holder_.load(std::memory_order_relaxed);
  }

 private:
  // state_ is kContended whenever somebody waits, and then an owner that
  // unlocks comes for the list's lock; it enters and leaves that state under
  // that lock only. (With nobody there it only costs the owner the way.) The
  // owner hands over by unlinking the next waiter, and the lock is never free
  // in between: first come, first served, and no barging.
  enum : std::uint32_t { kFree, kHeld, kContended };

  // Both look before they swap: a swap that fails costs as much as one that
  // succeeds, 11 ns, and under contention all fail.
  bool TryAcquire() noexcept {
    std::uint32_t expected = state_.load(std::memory_order_relaxed);
    // acquire: pairs with the release in Unlock.
    return expected == kFree && state_.compare_exchange_strong(
                                    expected, kHeld, std::memory_order_acquire,
                                    std::memory_order_relaxed);
  }
  // The lock is free, or the caller wakes whom it answers, and whose it is.
  // From here on `*this` may be gone.
  [[nodiscard]] Waiter* Release() noexcept {
    holder_.store(0, std::memory_order_relaxed);
    std::uint32_t expected = state_.load(std::memory_order_relaxed);
    // release: pairs with the acquire of the next owner.
    if (expected != kContended &&
        state_.compare_exchange_strong(expected, kFree,
                                       std::memory_order_release,
                                       std::memory_order_relaxed)) {
      return nullptr;
    }
    return HandOver();
  }
  Waiter* HandOver() noexcept;
  void Unlock() noexcept {
    if (Waiter* const next = Release()) next->Wake();
  }

  Atomic<std::uint32_t> state_{kFree};
  // Written by who holds the lock. Nobody is named between a hand-over and the
  // next owner's turn.
  Atomic<std::uint64_t> holder_{0};
  WaitList waiters_;
};

class [[nodiscard("dropping the Guard unlocks at once")]] Mutex::Guard {
 public:
  Guard() = default;
  // Takes charge of a lock that the caller holds. For the awaiter.
  explicit Guard(Mutex& held) noexcept : mutex_(&held) {
    held.holder_.store(CurrentTaskId(), std::memory_order_relaxed);
  }
  Guard(Guard&& other) noexcept
      : mutex_(std::exchange(other.mutex_, nullptr)) {}
  Guard& operator=(Guard&&) = delete;  // Would have to unlock first; scope it.
  ~Guard() {
    if (mutex_ != nullptr) mutex_->Unlock();
  }
  explicit operator bool() const noexcept { return mutex_ != nullptr; }

  // Whose lock it holds; null for an empty one.
  Mutex* mutex() const noexcept { return mutex_; }

  // Unlocks before its time.
  void Unlock() noexcept {
    if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->Unlock();
  }
  // As Unlock, and whoever has the lock now is woken by the caller. For a wait
  // that unlocks while it parks. Requires: it is not empty.
  void UnlockInto(WakeList& granted) noexcept {
    if (Waiter* const next = std::exchange(mutex_, nullptr)->Release()) {
      granted.Add(*next);
    }
  }
  // Takes over what another guard holds. Requires: this one is empty.
  void Adopt(Guard&& other) noexcept {
    ABSL_RAW_CHECK(mutex_ == nullptr,
                   "a Guard that holds a lock cannot adopt another: Unlock it "
                   "first");
    mutex_ = std::exchange(other.mutex_, nullptr);
  }

 private:
  Mutex* mutex_ = nullptr;
};

class [[nodiscard("co_await it")]] Mutex::LockAwaiter final : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit LockAwaiter(Mutex& mutex) noexcept
      : Waiter(mutex.waiters_), mutex_(mutex) {}

  bool await_ready() noexcept {
    return Begin([this] { return TryFast(); });
  }
  absl::StatusOr<Guard> await_resume() noexcept {
    if (cancelled()) [[unlikely]]
      return status();
    return Guard(mutex_);
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "mutex", .on = &mutex_, .held_by_task = mutex_.holder()};
  }

 private:
  bool TryFast() noexcept override { return mutex_.TryAcquire(); }
  bool IsWorthTheLock() const noexcept override { return false; }
  bool TryLocked(WakeList&) noexcept override;
  void AfterCancel(WakeList&) noexcept override;
  void GiveBack() noexcept override { mutex_.Unlock(); }

  Mutex& mutex_;
};

inline Mutex::LockAwaiter Mutex::Lock() noexcept { return LockAwaiter(*this); }

inline Mutex::Guard Mutex::TryLock() noexcept {
  return TryAcquire() ? Guard(*this) : Guard();
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_MUTEX_H_
