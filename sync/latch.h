// Latch: waits until so many things have happened.
//
//     Latch loaded(3);
//     ... three tasks or threads: loaded.CountDown();
//     co_await OrReturn(loaded.Wait());
//
// It counts down once, and then stays open: a Barrier begins again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_LATCH_H_
#define WEFT_SYNC_LATCH_H_

#include <cstdint>

#include "weft/runtime/atomic.h"
#include "weft/sync/event.h"

namespace weft::sync {

class Latch {
 public:
  // Opens when it has been counted down so many times; at once for 0.
  // Requires: a count that is not negative.
  explicit Latch(std::int64_t count) noexcept;

  // Counts down, and opens the latch at 0. What the caller did before is
  // visible to those who wait. Any thread, tasks or not.
  // Requires: a count that is not negative, and no larger than what is left.
  void CountDown(std::int64_t count = 1) noexcept;

  // Waits until the latch is open.
  //
  // Suspends: while it is not.
  // Cancel:   CANCELLED; nothing was counted.
  // Threads:  any.
  // Borrows:  the latch, until the wait is over. The waiter may destroy it
  //           then, even while the last CountDown is still returning elsewhere.
  // Cost:     one load when open; no allocation.
  Event::WaitAwaiter Wait() noexcept { return open_.Wait(); }

  bool is_open() const noexcept { return open_.is_set(); }

 private:
  Atomic<std::int64_t> left_;
  Event open_;
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_LATCH_H_
