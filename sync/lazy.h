// Lazy<T>: a value that is made when it is first asked for, by a coroutine.
//
//     sync::Lazy<Config> config([] { return ReadConfig("/etc/app"); });
//     const Config* c = co_await OrReturn(config.Get());
//
// Whoever asks first makes it, in its own scope; the others wait. If that
// fails, throws or is cancelled, nothing is kept, and the next caller tries
// again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_LAZY_H_
#define WEFT_SYNC_LAZY_H_

#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/sync/mutex.h"

namespace weft::sync {

template <typename T>
class Lazy {
 public:
  // `make` returns a Task<absl::StatusOr<T>>; it is called once for each
  // attempt, and never twice at the same time.
  explicit Lazy(std::function<Task<absl::StatusOr<T>>()> make)
      : make_(std::move(make)) {}
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  // The value. It lives as long as the Lazy.
  //
  // Suspends: while it is made, by this caller or an earlier one.
  // Cancel:   CANCELLED. Where this caller was making it, the attempt ends as
  //           its own code decides, and the next caller begins anew.
  // Errors:   what making it gave, for whoever made it; those behind try
  //           themselves. An exception is thrown from the co_await.
  // Threads:  any.
  // Borrows:  the Lazy, until the wait is over.
  // Cost:     a frame from the pool and one load once it is there.
  Task<absl::StatusOr<const T*>> Get() {
    co_await OrReturn(CheckCancelled());
    if (const T* const made = TryGet()) co_return made;
    Mutex::Guard guard = co_await OrReturn(mutex_.Lock());
    if (const T* const made = TryGet()) co_return made;
    T made = co_await OrReturn(make_());
    value_.emplace(std::move(made));
    // release: pairs with the acquire in TryGet.
    is_made_.store(true, std::memory_order_release);
    co_return &*value_;
  }

  // As Get, but never waits: null where it has not been made. Any thread.
  const T* TryGet() const noexcept {
    // acquire: pairs with the release in Get; the value is complete.
    return is_made_.load(std::memory_order_acquire) ? &*value_ : nullptr;
  }

 private:
  const std::function<Task<absl::StatusOr<T>>()> make_;
  Mutex mutex_;
  std::optional<T> value_;  // Written once, under mutex_, before is_made_.
  Atomic<bool> is_made_{false};
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_LAZY_H_
