// Counting, and waking at 0.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/unfinished.h"

#include <mutex>

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

void Unfinished::Add() noexcept {
  std::lock_guard guard(lock());
  ++count_;
}

void Unfinished::Finish() noexcept {
  WakeList granted;
  {
    std::lock_guard guard(lock());
    ABSL_RAW_CHECK(count_ > 0,
                   "TaskDone was called more often than items were put: call "
                   "it once for each item that Get gave");
    if (--count_ > 0) return;
    while (Waiter* const waiter = Pop()) granted.Add(*waiter);
  }
  // From here on `*this` may be gone: who saw that nothing is left may destroy
  // it.
  granted.WakeAll();
}

std::int64_t Unfinished::count() noexcept {
  std::lock_guard guard(lock());
  return count_;
}

}  // namespace weft::sync
