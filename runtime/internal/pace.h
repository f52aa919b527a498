// Pace: when does a worker look up from its queues?
//
//     turns   |.............|.............|.............|.............|
//     checks                ^             ^             ^             ^
//     clock                                                           ^
//
// A check, a few loads, comes after 61 turns at most. A look at the clock, 22
// ns, comes with every check; with every fourth while four checks take no more
// than an eighth of kPollEvery and the run queue alone has given the turns.
// Long turns make the checks denser: while their length does not change, two
// looks are kPollEvery apart at most.
//
// Turns that grow long from one look to the next may put it off, by 244 of them
// at most. On a worker's own thread the watch cuts that short: it finds that
// nobody has looked for a tick, calls the worker overdue (watch.h says when at
// the latest), and an overdue worker looks when its turn ends.
//
// Rejected: 244 turns always (a task that is woken by another may be anything);
// the processor's cycle counter (7 ns, and its rate is not ours to know).
//
// Threads: the owner's only.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_PACE_H_
#define WEFT_RUNTIME_INTERNAL_PACE_H_

#include <algorithm>
#include <cstdint>

#include "weft/reactor/instant.h"

namespace weft::internal {

class Pace {
 public:
  static constexpr int kMaxTurnsBetweenChecks = 61;
  static constexpr int kMaxChecksBetweenLooks = 4;
  // Nanoseconds, and plain numbers: dividing a Duration costs three turns.
  static constexpr std::int64_t kPollEvery = 50'000;

  // Which turn it is: a number that no other turn has.
  std::uint64_t turn() const noexcept { return turn_; }

  // Ends a turn. True: it was the last before a check.
  bool EndTurn() noexcept { return ++turn_ >= check_at_; }
  // For a job that would go on in place. False: nothing has ended, since this
  // is the last turn before a check.
  bool EndTurnUnlessLast() noexcept {
    if (turn_ + 1 >= check_at_) return false;
    ++turn_;
    return true;
  }
  bool check_is_due() const noexcept { return turn_ >= check_at_; }

  // A check begins. True: it is one that looks at the clock.
  bool BeginCheck() noexcept {
    check_at_ = turn_ + turns_between_checks_;
    return --checks_before_look_ <= 0;
  }

  // The clock was looked at, in a check or not: answers how long a turn took
  // since the last time, in nanoseconds, and sets the pace by it. Without a
  // turn since then it answers 0 and learns nothing.
  std::int64_t Look(reactor::Instant now) noexcept {
    const auto turns = static_cast<std::int64_t>(turn_ - turn_of_last_look_);
    const std::int64_t since = now.nanoseconds() - last_look_.nanoseconds();
    const std::int64_t turn =
        turns > 0 ? std::min(since / turns, kLongTurn) : 0;
    const std::int64_t check = turn * kMaxTurnsBetweenChecks;
    if (turns > 0) {
      turns_between_checks_ =
          check <= kPollEvery ? kMaxTurnsBetweenChecks : 1 + kPollEvery / turn;
    }
    Restart(now);
    if (turns > 0 && check * kMaxChecksBetweenLooks <= kPollEvery / 8) {
      checks_before_look_ = kMaxChecksBetweenLooks;
    }
    return turn;
  }

  // The clock was looked at after something that was nobody's turn. What comes
  // next is unknown, so the next check looks again.
  void Restart(reactor::Instant now) noexcept {
    last_look_ = now;
    turn_of_last_look_ = turn_;
    check_at_ = turn_ + turns_between_checks_;
    LookAtNextCheck();
  }

  // For a turn that did not come from the run queue alone.
  void LookAtNextCheck() noexcept { checks_before_look_ = 1; }

  reactor::Instant last_look() const noexcept { return last_look_; }

 private:
  // A second, and more is no different.
  static constexpr std::int64_t kLongTurn = 1'000'000'000;

  std::uint64_t turn_ = 0;
  std::uint64_t check_at_ = kMaxTurnsBetweenChecks;
  std::uint64_t turn_of_last_look_ = 0;
  std::int64_t turns_between_checks_ = kMaxTurnsBetweenChecks;
  int checks_before_look_ = 1;
  reactor::Instant last_look_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_PACE_H_
