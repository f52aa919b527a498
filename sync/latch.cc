// Counting down.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/latch.h"

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

Latch::Latch(std::int64_t count) noexcept : left_(count) {
  ABSL_RAW_CHECK(count >= 0, "a Latch counts from a number down to 0");
  if (count == 0) open_.Set();
}

void Latch::CountDown(std::int64_t count) noexcept {
  ABSL_RAW_CHECK(count >= 0, "a Latch does not count up");
  // acq_rel: whoever counts last has seen what all others did before they
  // counted, and Set hands it on.
  const std::int64_t before = left_.fetch_sub(count, std::memory_order_acq_rel);
  ABSL_RAW_CHECK(before >= count,
                 "a Latch was counted down more often than it was made for");
  // From Set on `*this` may be gone.
  if (before == count && count != 0) open_.Set();
}

}  // namespace weft::sync
