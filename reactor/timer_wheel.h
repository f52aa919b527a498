// When must we look again: a hierarchical timer wheel, O(1) to arm and cancel.
//
//     level 0   64 slots of one tick (2^15 ns, 33 us)     the next 2 ms
//     level 1   64 slots of 64 ticks                      the next 134 ms
//     level 2   64 slots of 64^2 ticks                    the next 8.6 s
//       ...                                                  ...
//     level 7   64 slots of 64^7 ticks                    the next 292 years
//
// Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, in
// the form without rotation: write the tick of a deadline in base 64. A timer
// lies at the level of the highest digit in which its tick differs from
// `current_`, in the slot of that digit. As time enters the slot the digits
// above agree, and the timer moves down to the next digit that does not:
//
//     current_ =  0 | 17 | 03        tick  0 | 17 | 40  ->  level 0, slot 40
//                                    tick  0 | 18 | 00  ->  level 1, slot 18
//
// Most timers are cancelled, so arming and cancelling are the fast paths: a
// spin lock, a list link, two bits. A timer that does fire has moved at most
// seven times. Eight levels of six bits and a tick of 2^15 ns are exactly the
// 63 bits of an Instant, so there is no "too far away" and no wrap.
//
// Rejected: a binary heap (O(log n) for each of the cancelled many, and an
// index to keep in every node); ticks of a millisecond (a division instead of
// a shift, and up to 2 ms late once the poller has rounded up as well); a
// kernel timer for each deadline (two system calls for each).
//
// Invariants, under `lock_`
//   1. Every tick up to and including `current_` has been served: what is due
//      by then is in `due_`, in a Fire that is under way, or gone.
//   2. A timer in a slot has a tick above `current_`. So the slots in use at
//      a level lie above current_'s own digit, and the earliest of all is the
//      lowest slot in use at the lowest level in use.
//   3. A bit is set in `occupied_[level]` if and only if that slot's list is
//      not empty, and in `levels_` if and only if that word is not zero.
//   4. A timer is linked (in a slot, in due_, in never_ or in a batch on the
//      stack of a Fire) or it is not; whoever unlinks it, and nobody else, owns
//      what happens next: Cancel returns true, or Fire calls OnTimer.
//   5. `earliest_` is no later than any armed timer's tick. It may be earlier:
//      a cancel does not raise it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_TIMER_WHEEL_H_
#define WEFT_REACTOR_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "weft/reactor/atomic.h"
#include "weft/reactor/instant.h"
#include "weft/reactor/spin_lock.h"

namespace weft::reactor {

// Threads: Cancel, Fire, NextDeadline, empty and size from any thread. Arm is
//          for the wheel's owner: it is as safe from elsewhere, but an owner
//          asleep in its poller would not learn of an earlier deadline.
class TimerWheel {
 public:
  class Timer;

  explicit TimerWheel(Instant now) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Calls timer.OnTimer() once, from the first Fire at or after `deadline`;
  // at once from the next Fire when that has passed. Never early; at most one
  // tick (33 us) later than Fire is called. InfiniteFuture() never fires.
  //
  // Timers of one tick fire in the order they were armed, earlier ticks first.
  //
  // Borrows: `timer`, until OnTimer is called or Cancel has returned true.
  // Errors:  arming a timer that is armed is a contract failure.
  // Cost:    one lock, rarely contended; no allocation.
  void Arm(Timer& timer, Instant deadline) noexcept;

  // As Arm, if `permit` says yes; false, and nothing armed, if it says no. It
  // is asked inside the wheel's critical section: whoever waits publishes
  // himself there, so that neither a canceller nor the clock comes in between.
  // It must not block, nor call back into the wheel.
  bool ArmIf(Timer& timer, Instant deadline,
             absl::FunctionRef<bool()> permit) noexcept;

  // True: the timer is unlinked and OnTimer will not run. False: it was
  // claimed by a Fire, has run, or was never armed; the callback (if any) owns
  // the wake, and may still be running.
  //
  // Borrows: `timer` during the call: whoever cancels a timer that may be
  //          firing keeps its memory alive until Cancel returns.
  // Cost:    one lock, rarely contended.
  bool Cancel(Timer& timer) noexcept;

  // Claims what is due at `now` and calls each OnTimer outside the lock, so a
  // callback may destroy its timer, and arm or cancel others (one it arms for
  // a moment that has passed waits for the next Fire). Returns how many ran.
  //
  // Cost: one load when nothing is due.
  int Fire(Instant now) noexcept;

  // The moment at which the next Fire has something to do, or a little before:
  // a lower bound, exact unless a dozen timers share the earliest slot. In the
  // past when something is due already; InfiniteFuture() when nothing is armed.
  Instant NextDeadline() const noexcept;

  // Timers armed and not yet claimed. A hint when other threads cancel.
  std::size_t size() const noexcept {
    // relaxed: a count and nothing more; no partner.
    return size_.load(std::memory_order_relaxed);
  }
  bool empty() const noexcept { return size() == 0; }

 private:
  using Tick = std::uint64_t;
  static constexpr int kTickBits = 15;
  static constexpr int kDigitBits = 6;
  static constexpr int kSlots = 1 << kDigitBits;
  static constexpr int kLevels = 8;
  static constexpr Tick kNever = Tick{1} << (kLevels * kDigitBits);

  // A link of a circular list; a list's head is a link of no timer. Null in a
  // timer that is not linked.
  struct Link {
    Link* next = nullptr;
    Link* previous = nullptr;

    void MakeHead() noexcept { next = previous = this; }
    bool IsEmptyHead() const noexcept { return next == this; }
    void Append(Link& link) noexcept;  // At the end of this head's list.
    void Unlink() noexcept;
    void TakeAll(Link& from) noexcept;  // This list's head is empty before.
  };

  struct Place {
    int level;
    int slot;
  };

  Tick DeadlineTick(Instant deadline) const noexcept;
  Tick ReachedTick(Instant now) const noexcept;
  Instant Moment(Tick tick) const noexcept;

  // All below with lock_ held, but ClaimFirst, which takes it.
  void Insert(Timer& timer) noexcept;
  void Remove(Timer& timer) noexcept;
  void AdvanceTo(Tick target) noexcept;
  void Empty(Place place) noexcept;
  Timer* ClaimFirst(Link& batch) noexcept;
  Place PlaceOf(Tick tick) const noexcept;  // Requires: current_ < tick.
  Place EarliestPlace() const noexcept;     // Requires: levels_ != 0.
  Tick SlotStart(Place place) const noexcept;
  Tick EarliestTick() const noexcept;
  void MarkUsed(Place place) noexcept;
  void MarkEmpty(Place place) noexcept;
  Link& Head(Place place) noexcept;
  const Link& Head(Place place) const noexcept;

  const Instant origin_;  // Tick 0.
  // Both written under lock_; read without it by Fire's quick look and by size.
  Atomic<Tick> earliest_{kNever};
  Atomic<std::size_t> size_{0};

  mutable SpinLock lock_;    // Guards all below.
  std::uint8_t levels_ = 0;  // Bit i: occupied_[i] is not zero.
  Tick current_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  Link due_;
  Link never_;  // Armed for InfiniteFuture(): only a Cancel takes them out.
  std::array<std::array<Link, kSlots>, kLevels> slots_;
};

// Something to be called at a moment: a base class for the object that waits,
// so that arming allocates nothing. 32 bytes with its table of functions.
class TimerWheel::Timer : private Link {
 public:
  // Called by Fire, on the firing thread. Must only schedule; may destroy this
  // timer.
  virtual void OnTimer() noexcept = 0;

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 protected:
  Timer() = default;
  // Errors: a timer that is still armed is a contract failure.
  ~Timer() {
    // Read without the lock: whoever may destroy a timer has it from Cancel or
    // from OnTimer, and so after whoever unlinked it.
    if (next != nullptr) [[unlikely]]
      EndArmed();
  }

 private:
  friend class TimerWheel;

  [[noreturn]] static void EndArmed() noexcept;

  Tick tick_ = 0;
};

using Timer = TimerWheel::Timer;

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_TIMER_WHEEL_H_
