// SpinBudget: how long a worker without work looks out for some before it goes
// to sleep.
//
// A worker that sleeps is up 40 to 80 microseconds after it was woken, and its
// waker has paid 12 for the call; one that looks out is there at once. So it
// pays to look as long as a sleep would take, where work comes that soon; and
// where it does not, every microsecond is thrown away.
//
//     a wait that was shorter than the longest look    next time, look for as
//                                                      long as that
//     a longer one                                     for half as long; and
//                                                      after a few, not at all
//
// A wait is the look in vain, if there was one, and the sleep after it: else
// work that comes every 130 microseconds would seem near after each vain look
// of 100. So whether it would have paid is learnt from the waits themselves,
// which cost nothing. A closed loop of requests finds the worker awake; a timer
// every millisecond does not keep it up.
//
// Short waits may mislead, for the wake is in them: a write to a disk that
// takes a little less than the longest look, or now and then a little more, is
// as long asleep as a request is that would be there at once. Only a look can
// tell. So a long one that has just missed, or that found something only when a
// sleep would have been over as well, raises doubts: next time twice as many
// short waits must have come before another try. A look that paid ends the
// doubts. (A single writer of a file took an eighth longer without them.)
//
// Nor does it pay where there is no processor to spare: whoever looks out takes
// it from those that would bring the work. Threads of the blocking pool count,
// although some of them only wait: which, nobody can tell. And beside siblings
// that are up it looks for no longer than a sleep and a wake would take of the
// processor.
//
// Rejected: to count only blocking work that has not begun long ago, since what
// takes long waits (for a terminal, say). It may as well compute, and that is
// the very work that a look would take the processor from; while a read of a
// disk waits and is short. To ask the kernel what each thread has used is a
// call for each. The mistake is the cheap one of the two: as many threads that
// wait for ever as there are processors to spare make wakes 40 us later, and
// use none of them.
//
// Threads: the worker's own.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SPIN_BUDGET_H_
#define WEFT_RUNTIME_INTERNAL_SPIN_BUDGET_H_

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace weft::internal {

class SpinBudget {
 public:
  explicit SpinBudget(absl::Duration longest) noexcept
      : longest_(std::max(longest, absl::ZeroDuration())), budget_(longest_) {}

  // Who else wants a processor. Hints.
  struct Company {
    int awake_workers;     // The one that asks is one of them.
    int blocking_threads;  // At work.
    int processors;
  };

  // Zero: not at all.
  absl::Duration GetIn(const Company& company) const noexcept {
    if (company.awake_workers + company.blocking_threads > company.processors) {
      return absl::ZeroDuration();
    }
    return company.awake_workers == 1 ? budget_
                                      : std::min(budget_, kBesideOthers);
  }

  // Work came when the worker had looked for so long.
  void Found(absl::Duration after) noexcept {
    looked_ = absl::ZeroDuration();
    if (after > long_look()) return Doubt();
    budget_ = longest_;
    short_waits_wanted_ = 1;
  }

  // None came for so long.
  void LookedInVain(absl::Duration duration) noexcept { looked_ = duration; }

  // It has slept for so long, after it had looked in vain or not at all; for no
  // time, where work came between the two.
  void Slept(absl::Duration duration) noexcept {
    const absl::Duration looked = std::exchange(looked_, absl::ZeroDuration());
    const absl::Duration waited = looked + duration;
    // One that was cut short, for others or after long waits, might have found
    // it: it only adds to the doubts that there are, if it was not free.
    const bool counts = looked >= long_look() ||
                        (short_waits_wanted_ > 1 && looked > kBesideOthers);
    if (counts && waited < 2 * longest_) return Doubt();
    if (waited >= longest_) return Halve();
    if (++short_waits_ < short_waits_wanted_) return;
    short_waits_ = 0;
    budget_ = longest_;
  }

 private:
  // How long a sleep lasts at the least, wake and all.
  static constexpr absl::Duration kSleep = absl::Microseconds(50);
  // Who looks for less finds next to nothing.
  static constexpr absl::Duration kShortest = absl::Microseconds(10);
  // With two workers and 64 connections to echo, the difference to 100 us was a
  // tenth of all that a request costs.
  static constexpr absl::Duration kBesideOthers = absl::Microseconds(10);
  // So a look is tried now and then at the least; where work comes always a
  // little too late, that takes a twenty-fourth of the processor.
  static constexpr int kMostWanted = 32;

  // After that a sleep would have been over, or as much as was asked for.
  absl::Duration long_look() const noexcept {
    return std::max(longest_ / 2, kSleep);
  }

  void Doubt() noexcept {
    short_waits_wanted_ = std::min(2 * short_waits_wanted_, kMostWanted);
    short_waits_ = 0;
    Halve();
  }
  void Halve() noexcept {
    budget_ /= 2;
    if (budget_ < kShortest) budget_ = absl::ZeroDuration();
  }

  const absl::Duration longest_;
  absl::Duration budget_;
  absl::Duration looked_ = absl::ZeroDuration();
  int short_waits_ = 0;  // Since the last try, or doubt.
  int short_waits_wanted_ = 1;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_SPIN_BUDGET_H_
