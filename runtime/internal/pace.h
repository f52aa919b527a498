// Pace: when does a worker look up from its queues?
//
//     turns   |.............|.............|.............|.............|
//     checks                ^             ^             ^             ^
//     clock                                                           ^
//
// A check, a few loads, comes after 61 turns at most; the clock, 22 ns, comes
// with every fourth check. Both come sooner where turns are long, so that looks
// at the clock are about kPollEvery apart whatever the jobs are. One look in 61
// turns costs a task that only yields 0.4 of its 5 ns; one in 244 costs 0.1.
//
// Turns may grow long from one check to the next. Then the watch finds that
// the clock has not been looked at for a tick, and the worker overdue, and an
// overdue worker looks at once.
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
  // since the last time, in nanoseconds, and sets the pace by it.
  std::int64_t Look(reactor::Instant now) noexcept {
    const std::uint64_t turns = turn_ - turn_of_last_look_;
    const std::int64_t since = now.nanoseconds() - last_look_.nanoseconds();
    const std::int64_t turn =
        turns > 0
            ? std::min(since / static_cast<std::int64_t>(turns), kLongTurn)
            : 0;
    SetFor(turn);
    Restart(now);
    return turn;
  }

  // The clock was looked at after a sleep, which was nobody's turn.
  void Restart(reactor::Instant now) noexcept {
    last_look_ = now;
    turn_of_last_look_ = turn_;
    check_at_ = turn_ + turns_between_checks_;
    checks_before_look_ = checks_between_looks_;
  }

  reactor::Instant last_look() const noexcept { return last_look_; }

 private:
  // A second, and more is no different.
  static constexpr std::int64_t kLongTurn = 1'000'000'000;

  // Turns that are short now may be longer in a moment: several checks without
  // the clock only where they take an eighth of kPollEvery.
  void SetFor(std::int64_t turn) noexcept {
    const std::int64_t check = turn * kMaxTurnsBetweenChecks;
    turns_between_checks_ =
        check <= kPollEvery ? kMaxTurnsBetweenChecks : 1 + kPollEvery / turn;
    checks_between_looks_ = check * kMaxChecksBetweenLooks <= kPollEvery / 8
                                ? kMaxChecksBetweenLooks
                                : 1;
  }

  std::uint64_t turn_ = 0;
  std::uint64_t check_at_ = kMaxTurnsBetweenChecks;
  std::uint64_t turn_of_last_look_ = 0;
  std::int64_t turns_between_checks_ = kMaxTurnsBetweenChecks;
  int checks_before_look_ = 1;
  int checks_between_looks_ = 1;
  reactor::Instant last_look_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_PACE_H_
