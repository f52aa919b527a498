// SharedMutex: many readers or one writer, and the coroutine waits.
//
//     inside_ = 3            three readers
//     inside_ = kWriter      a writer
//     waiting: W R R         a writer, and two readers that came after it
//
// One queue for both, first come, first served: a reader that comes while a
// writer waits goes behind it, so no flood of readers keeps a writer out.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_SHARED_MUTEX_H_
#define WEFT_SYNC_SHARED_MUTEX_H_

#include <cstdint>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/current.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

class SharedMutex : WaitList {
 public:
  class Guard;
  class SharedGuard;
  class LockAwaiter;
  class SharedLockAwaiter;

  SharedMutex() = default;
  ~SharedMutex();

  // Waits until nobody else is inside, and returns a Guard that leaves.
  //
  //     SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
  //
  // A Mutex is faster where readers are few or quick: here each of them, too,
  // pays for a spin lock twice.
  //
  // Suspends: until every earlier caller has left.
  // Cancel:   CANCELLED; the caller has left the queue and never was inside.
  //           Readers that waited behind it go in, if readers are inside.
  // Threads:  any. The Guard may be released on another thread.
  // Borrows:  the mutex, until the Guard is gone. Destroying a mutex that is
  //           held or awaited ends the program.
  // Cost:     one spin lock to enter, one to leave; no allocation.
  LockAwaiter Lock() noexcept;

  // As Lock, but others may be inside that only read.
  //
  // Suspends: until every earlier writer has left.
  // Cancel, Threads, Borrows, Cost: as Lock.
  SharedLockAwaiter LockShared() noexcept;

  // As Lock and LockShared, but never suspend: an empty guard where they would
  // have to. Any thread, tasks or not.
  Guard TryLock() noexcept;
  SharedGuard TryLockShared() noexcept;

  // The id of the task that holds it to write; 0 where none does, or it was
  // taken outside of a task. A hint, for dumps, as Mutex::holder.
  std::uint64_t writer() const noexcept {
    return writer_.load(std::memory_order_relaxed);
  }

 private:
  class Party;

  static constexpr std::int64_t kWriter = -1;

  // With the lock held, all three.
  bool EnterLocked(bool shared) noexcept;
  bool MayEnterLocked(bool shared) const noexcept {
    return shared ? inside_ >= 0 : inside_ == 0;
  }
  // Lets in whoever may come in from the front of the queue.
  void GrantLocked(WakeList& granted) noexcept;

  bool TryEnter(bool shared) noexcept;
  void Leave(bool shared) noexcept;
  void Downgrade() noexcept;

  std::int64_t inside_ = 0;          // Guarded by lock(): readers, or kWriter.
  Atomic<std::uint64_t> writer_{0};  // Written by who is alone inside.
};

class [[nodiscard("dropping it unlocks at once")]] SharedMutex::SharedGuard {
 public:
  SharedGuard() = default;
  // Takes charge of a shared lock that the caller holds. For the awaiter.
  explicit SharedGuard(SharedMutex& held) noexcept : mutex_(&held) {}
  SharedGuard(SharedGuard&& other) noexcept
      : mutex_(std::exchange(other.mutex_, nullptr)) {}
  SharedGuard& operator=(SharedGuard&&) = delete;  // Would unlock first.
  ~SharedGuard() {
    if (mutex_ != nullptr) mutex_->Leave(/*shared=*/true);
  }
  explicit operator bool() const noexcept { return mutex_ != nullptr; }

 private:
  SharedMutex* mutex_ = nullptr;
};

class [[nodiscard("dropping it unlocks at once")]] SharedMutex::Guard {
 public:
  Guard() = default;
  // Takes charge of a lock that the caller holds. For the awaiter.
  explicit Guard(SharedMutex& held) noexcept : mutex_(&held) {
    held.writer_.store(CurrentTaskId(), std::memory_order_relaxed);
  }
  Guard(Guard&& other) noexcept
      : mutex_(std::exchange(other.mutex_, nullptr)) {}
  Guard& operator=(Guard&&) = delete;  // Would unlock first.
  ~Guard() {
    if (mutex_ != nullptr) mutex_->Leave(/*shared=*/false);
  }
  explicit operator bool() const noexcept { return mutex_ != nullptr; }

  // From writing to reading, without a moment in which a writer could come in
  // between; readers at the front of the queue come in. Never waits.
  // Requires: the guard is not empty.
  SharedGuard Downgrade() && noexcept {
    ABSL_RAW_CHECK(mutex_ != nullptr, "an empty Guard holds nothing to share");
    mutex_->Downgrade();
    return SharedGuard(*std::exchange(mutex_, nullptr));
  }

 private:
  SharedMutex* mutex_ = nullptr;
};

// What readers and writers have in common.
class SharedMutex::Party : public Waiter {
 public:
  bool shared() const noexcept { return shared_; }

 protected:
  Party(SharedMutex& mutex, bool shared) noexcept
      : Waiter(mutex), shared_(shared) {}
  ~Party() { LeaveIfParked(); }

  SharedMutex& mutex() const noexcept {
    return static_cast<SharedMutex&>(list());
  }

 private:
  bool TryLocked(WakeList&) noexcept override {
    return mutex().EnterLocked(shared_);
  }
  void AfterCancel(WakeList& granted) noexcept override {
    mutex().GrantLocked(granted);
  }
  void GiveBack() noexcept override { mutex().Leave(shared_); }

  const bool shared_;
};

class [[nodiscard("co_await it")]] SharedMutex::LockAwaiter final
    : public Party {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit LockAwaiter(SharedMutex& mutex) noexcept
      : Party(mutex, /*shared=*/false) {}

  absl::StatusOr<Guard> await_resume() noexcept {
    if (cancelled()) [[unlikely]]
      return status();
    return Guard(mutex());
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "shared mutex, to write",
            .on = &mutex(),
            .held_by_task = mutex().writer()};
  }
};

class [[nodiscard("co_await it")]] SharedMutex::SharedLockAwaiter final
    : public Party {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit SharedLockAwaiter(SharedMutex& mutex) noexcept
      : Party(mutex, /*shared=*/true) {}

  absl::StatusOr<SharedGuard> await_resume() noexcept {
    if (cancelled()) [[unlikely]]
      return status();
    return SharedGuard(mutex());
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "shared mutex, to read",
            .on = &mutex(),
            .held_by_task = mutex().writer()};
  }
};

inline SharedMutex::LockAwaiter SharedMutex::Lock() noexcept {
  return LockAwaiter(*this);
}
inline SharedMutex::SharedLockAwaiter SharedMutex::LockShared() noexcept {
  return SharedLockAwaiter(*this);
}
inline SharedMutex::Guard SharedMutex::TryLock() noexcept {
  return TryEnter(/*shared=*/false) ? Guard(*this) : Guard();
}
inline SharedMutex::SharedGuard SharedMutex::TryLockShared() noexcept {
  return TryEnter(/*shared=*/true) ? SharedGuard(*this) : SharedGuard();
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_SHARED_MUTEX_H_
