// Interval: the same again and again, at a steady pace.
//
//     Interval every_second(absl::Seconds(1));
//     for (;;) {
//       Instant due = co_await OrReturn(every_second.Next());
//       co_await OrReturn(Report(due));
//     }
//
// A loop that sleeps for a second after each turn is late by a turn each time.
// An Interval knows when its ticks are due instead, and what becomes of those
// that pass while a turn takes longer than that (x: due, T: given):
//
//     due      x---x---x---x---x---x---x---
//              T---[a long turn ]
//     kBurst                     TTT---T---    each of them, at once
//     kSkip                      T-T---T---    one late, then as planned
//     kDelay                     T---T---T-    one late, and all that follow
//
// They are tokio's three (MissedTickBehavior).
//
// Invariants
//   1. No tick is given before it is due.
//   2. kBurst and kSkip give ticks that are due whole periods after the first
//      one: however late each is given, none makes the next one late.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERVAL_H_
#define WEFT_RUNTIME_INTERVAL_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/current.h"
#include "weft/runtime/sleep.h"

namespace weft {

// What becomes of ticks that are due before they are waited for.
enum class MissedTicks {
  kBurst,  // All are given, without a wait between them: for what is counted.
  kSkip,   // The first is given, the others are left out, and the next is the
           // first that is still to come: for what keeps time with a clock.
  kDelay,  // The first is given, and the next is a period later: for what needs
           // a pause. Each tick is a little late, and that adds up.
};

struct IntervalOptions {
  // When the first tick is due; nothing: at once.
  std::optional<Instant> first = {};
  MissedTicks missed = MissedTicks::kBurst;
};

// Threads: one task at a time.
class Interval {
 public:
  class NextAwaiter;

  // Requires: a period of a nanosecond or more; and InsideRuntime(), unless
  //           options.first is given.
  // Units:    the runtime's clock; whole nanoseconds of the period.
  explicit Interval(absl::Duration period, const IntervalOptions& options = {});
  Interval(const Interval&) = delete;
  Interval& operator=(const Interval&) = delete;

  // Waits for the next tick, and gives the moment when it was due: now, or
  // before.
  //
  // Suspends: until it is due; where it has been already not at all, but for a
  //           turn when the task has completed many operations without waiting.
  // Cancel:   CANCELLED; the tick is not taken, and can be waited for again.
  // Borrows:  the interval, until the wait is over.
  // Cost:     as SleepUntil, and a read of the clock but for kBurst.
  // Units:    rounded up to the wheel's tick; never early.
  NextAwaiter Next() noexcept;

  // Begins anew: the next tick is due a period from now. Not while Next waits.
  // Requires: InsideRuntime().
  void Reset() noexcept;

  // When the next tick is due.
  Instant due() const noexcept { return due_; }
  absl::Duration period() const noexcept { return period_; }

 private:
  // The tick that is due has come: gives it, and plans the next.
  Instant Take() noexcept;

  const absl::Duration period_;
  const MissedTicks missed_;
  Instant due_;
};

class [[nodiscard("co_await it")]] Interval::NextAwaiter final {
 public:
  explicit NextAwaiter(Interval& interval) noexcept
      : interval_(interval), sleep_(interval.due_) {}

  bool await_ready() noexcept { return sleep_.await_ready(); }
  bool await_suspend(Continuation caller) noexcept {
    return sleep_.await_suspend(caller);
  }
  absl::StatusOr<Instant> await_resume() {
    absl::Status slept = sleep_.await_resume();
    if (!slept.ok()) return slept;
    return interval_.Take();
  }

 private:
  Interval& interval_;
  SleepAwaiter sleep_;
};

inline Interval::NextAwaiter Interval::Next() noexcept {
  return NextAwaiter(*this);
}

}  // namespace weft

#endif  // WEFT_RUNTIME_INTERVAL_H_
