// Once: something that is done once, by whoever comes first.
//
//     sync::Once migrated;
//     co_await OrReturn(migrated.Do([&] { return Migrate(database); }));
//
// If it fails, throws or is cancelled it has not been done, and the next caller
// tries.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_ONCE_H_
#define WEFT_SYNC_ONCE_H_

#include <concepts>
#include <type_traits>

#include "absl/status/status.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/sync/mutex.h"

namespace weft::sync {

class Once {
 public:
  // Calls `work`, which returns a Task<absl::Status>, unless it has been done.
  //
  // Suspends: while it is done, by this caller or an earlier one.
  // Cancel:   CANCELLED; where this caller was doing it, the next begins anew.
  // Errors:   what the work gave, for whoever did it; those behind try theirs.
  // Threads:  any.
  // Borrows:  the Once, until the wait is over.
  // Cost:     a frame from the pool and one load once it is done.
  template <typename Work>
    requires std::same_as<std::invoke_result_t<Work&>, Task<absl::Status>>
  Task<absl::Status> Do(Work work) {
    co_await OrReturn(CheckCancelled());
    if (done()) co_return absl::OkStatus();
    Mutex::Guard guard = co_await OrReturn(mutex_.Lock());
    if (done()) co_return absl::OkStatus();
    co_await OrReturn(work());
    // release: pairs with the acquire in done.
    done_.store(true, std::memory_order_release);
    co_return absl::OkStatus();
  }

  bool done() const noexcept {
    // acquire: pairs with the release in Do; what was done is visible.
    return done_.load(std::memory_order_acquire);
  }

 private:
  Mutex mutex_;
  Atomic<bool> done_{false};
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_ONCE_H_
