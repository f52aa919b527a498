// WaitList: the place where tasks park in sync. First come, first served;
// intrusive, cancellable, without allocation.
//
//     Mutex, Semaphore, Event, Channel = some state + a WaitList
//
//     first_ -> [Waiter] <-> [Waiter] <-> [Waiter] <- last_
//               each in the frame of the coroutine that waits
//
// A primitive's operation is a Waiter with two functions: TryFast, which comes
// without the lock and before anything else, and TryLocked, with it. This file
// does the rest: cancellation before and during the wait, the task's budget,
// parking and leaving.
//
// Invariants
//   1. A Waiter is linked and unlinked under lock(). Whoever unlinks it owns
//      its wake (leaf.h); the others find it unlinked and leave it alone. (An
//      arm of a Select has no wake of its own: whoever unlinks it claims the
//      Select, or has only dropped it; GrantFront.)
//   2. TryLocked is asked under the same lock that links: a grant either came
//      before and is seen by it, or comes after and finds the Waiter. That is
//      the lost-wake-up argument of every primitive here.
//   3. A wake schedules; it never resumes inline, and never under the lock.
//   4. A waiter leaves nothing behind: a cancelled one has not been granted
//      anything, and one whose runtime stopped before it could run gives back
//      what it had been granted (Abandon), and leaves the queue.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_WAIT_LIST_H_
#define WEFT_SYNC_WAIT_LIST_H_

#include <concepts>
#include <mutex>

#include "absl/status/status.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/selection.h"

namespace weft::sync {

class Waiter;

class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  // Destroying a primitive that someone waits on ends the program.
  ~WaitList();

  // Guards the list, and whatever state of the primitive it decides about.
  SpinLock& lock() noexcept { return lock_; }

  // With the lock held:
  bool empty() const noexcept { return first_ == nullptr; }
  Waiter* front() const noexcept { return first_; }
  // Unlinks the first waiter. True: it is granted what it waits for, which the
  // caller gives it now; it calls Wake() on it once the lock is released, and
  // then no more touches it. False: it was an arm of a Select that has been
  // decided by another one, and gets nothing. Requires: not empty.
  [[nodiscard]] bool GrantFront() noexcept;
  // The first waiter that could be granted something, as GrantFront does. Null
  // when there is none.
  Waiter* Pop() noexcept;

 private:
  friend class Waiter;  // Links itself: the two are one structure.

  void PushBack(Waiter& waiter) noexcept;
  void Unlink(Waiter& waiter) noexcept;

  SpinLock lock_;
  Waiter* first_ = nullptr;  // Guarded by lock_, as last_ and all links.
  Waiter* last_ = nullptr;
};

// Waiters that were granted something under a lock, and are woken after it.
class WakeList {
 public:
  void Add(Waiter& waiter) noexcept;
  void WakeAll() noexcept {
    while (first_ != nullptr) WakeFirst();
  }

 private:
  void WakeFirst() noexcept;

  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// One operation that may wait. The base of every awaiter in sync.
class Waiter : public Leaf {
 public:
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool await_ready() noexcept {
    return Begin([this] { return TryFast(); });
  }
  bool await_suspend(Continuation caller) noexcept;

  // On a plain thread, in the place of co_await: blocks it until the operation
  // has taken effect; await_resume() gives its result. In the queue a thread is
  // like a task, but that nobody cancels it.
  void Block();

  // As an arm of a Select, in the place of co_await; see Arm, which says when.
  // TryAsArm does what it can do without waiting. For operations that have no
  // effect, on the primitive or on others, before they are granted, and are
  // granted nothing before they have been unlinked. They say so by a constant
  // kMayBeAnArm. (An arrival at a Barrier counts while it waits: it may not.)
  bool TryAsArm() noexcept;
  Arm::Parking ParkAsArm(Arm& arm, Selection& selection) noexcept;
  void LeaveAsArm() noexcept;
  void GiveBackAsArm() noexcept { GiveBack(); }

  // Schedules a waiter that Pop has unlinked. It may be gone afterwards.
  void Wake() noexcept { Schedule(); }

  void Cancel() noexcept final;
  Continuation Run(internal::ThisThread& here) noexcept final;
  void Abandon() noexcept final;

 protected:
  explicit Waiter(WaitList& list) noexcept : list_(list) {}
  ~Waiter() { LeaveIfParked(); }

  // Whether the operation was cancelled before it took effect.
  bool cancelled() const noexcept { return previous_ == Mark(kCancelled); }
  // await_ready. An awaiter that says in its own what its TryFast is saves the
  // virtual call: a tenth of what a free lock costs.
  template <std::predicate TryFast>
  bool Begin(TryFast try_fast) noexcept {
    const Entry entry = EnterOperation();
    return entry == Entry::kGo ? try_fast() : BeginOtherwise(entry);
  }

  // Calls `try_locked` with the lock held, and wakes whom it served. For a
  // TryFast that has seen that it is likely to succeed: it saves suspending
  // first.
  template <std::predicate<WakeList&> TryLocked>
  bool UnderLock(TryLocked try_locked) noexcept {
    WakeList granted;
    bool finished;
    {
      std::lock_guard lock(list_.lock());
      finished = try_locked(granted);
    }
    granted.WakeAll();
    return finished;
  }

  // OK, or CANCELLED.
  absl::Status status() const;
  WaitList& list() const noexcept { return list_; }

  // Parked still, in the frame of a runtime that has stopped: leaves the queue.
  // For the destructor of an operation that overrides AfterCancel, too: in ours
  // it is no longer its own.
  void LeaveIfParked() noexcept {
    if (linked()) [[unlikely]]
      Leave();
  }

 private:
  friend class WaitList;
  friend class WakeList;

  // Takes effect without waiting, or does nothing and says false. Called
  // without the lock.
  virtual bool TryFast() noexcept { return false; }
  // After a TryFast that said no: whether TryLocked may say yes all the same.
  // Saves a Select that looks around the lock.
  virtual bool IsWorthTheLock() const noexcept { return true; }
  // The same under the lock: false makes the operation wait. Whom it serves by
  // the way goes into `granted`, and is woken after the lock.
  virtual bool TryLocked(WakeList& granted) noexcept = 0;
  // After a waiter has left the list without a grant, with the lock held:
  // others may be served now.
  virtual void AfterCancel(WakeList&) noexcept {}
  // A granted waiter will never run: the grant is free again. Without the lock.
  virtual void GiveBack() noexcept {}

  // Where not linked, previous_ is one of these instead of a neighbour.
  enum : std::uintptr_t {
    kIdle,         // Not begun, or over.
    kCancelled,    // Over, without effect.
    kQueuedFirst,  // Begins when the others have had a turn.
    kGranted,      // Unlinked by Pop, and has not run yet.
    kMarks,
  };
  static Waiter* Mark(std::uintptr_t mark) noexcept {
    return reinterpret_cast<Waiter*>(mark);
  }
  bool linked() const noexcept {
    return reinterpret_cast<std::uintptr_t>(previous_) >= kMarks;
  }
  bool BeginOtherwise(Entry entry) noexcept;
  void Leave() noexcept;
  // True: took effect or was cancelled. False: parked; may be gone.
  bool FinishOrPark() noexcept;

  WaitList& list_;
  // The neighbour before us, ourselves if we are first, or a Mark. The one
  // behind us is Job::next.
  Waiter* previous_ = Mark(kIdle);
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_WAIT_LIST_H_
