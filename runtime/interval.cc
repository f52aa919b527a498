// When the next tick is due.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/interval.h"

#include <utility>

#include "absl/base/internal/raw_logging.h"

namespace weft {

// What an Instant cannot tell of a period would be lost anew at each tick.
Interval::Interval(absl::Duration period, const IntervalOptions& options)
    : period_(absl::Floor(period, absl::Nanoseconds(1))),
      missed_(options.missed),
      due_(options.first.has_value() ? *options.first : Now()) {
  ABSL_RAW_CHECK(period_ > absl::ZeroDuration(),
                 "an Interval needs a period of a nanosecond or more: to give "
                 "way without one, Yield");
}

void Interval::Reset() noexcept { due_ = Now() + period_; }

Instant Interval::Take() noexcept {
  const Instant taken = std::exchange(due_, due_ + period_);
  if (missed_ == MissedTicks::kBurst) return taken;
  const Instant now = Now();
  if (missed_ == MissedTicks::kDelay) {
    due_ = now + period_;
  } else if (due_ <= now) {
    // The first one that is still to come. The periods are not counted: there
    // may be more of them than a number holds.
    due_ = now + (period_ - (now - taken) % period_);
  }
  return taken;
}

}  // namespace weft
