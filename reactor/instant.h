// A point on the runtime's clock.
//
// The clock is the reactor's (CLOCK_MONOTONIC, or a test's virtual one), so an
// Instant says nothing about the wall and never jumps with it. It is one
// 64-bit count of nanoseconds, 292 years to either side of the clock's origin.
// Arithmetic saturates: "now plus for ever" is for ever, never a moment in the
// past, which is how timers of other libraries came to fire at once.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_INSTANT_H_
#define WEFT_REACTOR_INSTANT_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace weft::reactor {

class Instant {
 public:
  // The clock's origin.
  constexpr Instant() = default;

  static constexpr Instant FromNanoseconds(std::int64_t nanoseconds) noexcept {
    return Instant(nanoseconds);
  }
  // Later than every moment the clock can reach; adding to it changes nothing.
  static constexpr Instant InfiniteFuture() noexcept {
    return Instant(kForever);
  }

  // Units: nanoseconds since the clock's origin.
  constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }

  friend constexpr auto operator<=>(Instant, Instant) = default;

  friend Instant operator+(Instant from, absl::Duration distance) noexcept {
    if (from == InfiniteFuture()) return from;
    std::int64_t sum;
    // ToInt64Nanoseconds saturates too, so infinite durations arrive here as
    // the ends of the range.
    const std::int64_t step = absl::ToInt64Nanoseconds(distance);
    if (__builtin_add_overflow(from.nanoseconds_, step, &sum)) {
      return Instant(step > 0 ? kForever : kBeginning);
    }
    return Instant(sum);
  }
  friend Instant operator-(Instant from, absl::Duration distance) noexcept {
    return from + -distance;
  }
  friend absl::Duration operator-(Instant to, Instant from) noexcept {
    if (to == from) return absl::ZeroDuration();
    if (to == InfiniteFuture()) return absl::InfiniteDuration();
    if (from == InfiniteFuture()) return -absl::InfiniteDuration();
    // A Duration is wider than 64 bits of nanoseconds: this cannot overflow.
    return absl::Nanoseconds(to.nanoseconds_) -
           absl::Nanoseconds(from.nanoseconds_);
  }

 private:
  static constexpr std::int64_t kForever =
      std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kBeginning =
      std::numeric_limits<std::int64_t>::min();

  explicit constexpr Instant(std::int64_t nanoseconds) noexcept
      : nanoseconds_(nanoseconds) {}

  std::int64_t nanoseconds_ = 0;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_INSTANT_H_
