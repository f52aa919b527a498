// How long it takes.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/link.h"

#include <algorithm>

namespace weft::net::testing {

Link::Passage Link::Send(reactor::Instant now, std::size_t size,
                         Chance& chance) {
  // Zero at an infinite rate.
  const absl::Duration own =
      absl::Seconds(static_cast<double>(size) / options_.bytes_per_second);
  busy_until_ = std::max(now, busy_until_) + own;
  return {
      .departs = busy_until_,
      .arrives = busy_until_ + options_.latency + chance.UpTo(options_.jitter)};
}

absl::Duration Link::Detour(Chance& chance) const {
  if (!chance.Happens(options_.reorder)) return absl::ZeroDuration();
  return 2 * (options_.latency + options_.jitter);
}

}  // namespace weft::net::testing
