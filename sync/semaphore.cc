// Taking, giving back and passing on permits.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/semaphore.h"

#include <limits>
#include <mutex>

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

bool Semaphore::TakeLocked(std::int64_t count) noexcept {
  if (closed_ || !empty() || available_ < count) return false;
  available_ -= count;
  return true;
}

void Semaphore::GrantLocked(WakeList& granted) noexcept {
  while (!empty()) {
    auto& next = static_cast<AcquireAwaiter&>(*front());
    if (available_ < next.count_) return;
    if (!GrantFront()) continue;
    available_ -= next.count_;
    granted.Add(next);
  }
}

Semaphore::Permit Semaphore::TryAcquire(std::int64_t count) noexcept {
  if (count < 0) return Permit();
  std::lock_guard guard(lock());
  return TakeLocked(count) ? Permit(*this, count) : Permit();
}

void Semaphore::Release(std::int64_t count) noexcept {
  ABSL_RAW_CHECK(
      count >= 0,
      "Semaphore::Release of a negative count: to take permits away, "
      "Acquire them and Forget the Permit");
  WakeList granted;
  {
    std::lock_guard guard(lock());
    ABSL_RAW_CHECK(
        available_ <= std::numeric_limits<std::int64_t>::max() - count,
        "a Semaphore was given more permits than fit a std::int64_t: release "
        "only what was acquired");
    available_ += count;
    GrantLocked(granted);
  }
  granted.WakeAll();
}

std::int64_t Semaphore::available() noexcept {
  std::lock_guard guard(lock());
  return available_;
}

void Semaphore::Close() noexcept {
  WakeList refused;
  {
    std::lock_guard guard(lock());
    closed_ = true;
    while (auto* const waiter = static_cast<AcquireAwaiter*>(Pop())) {
      waiter->refused_ = true;
      refused.Add(*waiter);
    }
  }
  refused.WakeAll();
}

bool Semaphore::closed() noexcept {
  std::lock_guard guard(lock());
  return closed_;
}

// Where it takes nothing, and ends all the same, await_resume says why.
bool Semaphore::AcquireAwaiter::TryLocked(WakeList&) noexcept {
  refused_ = semaphore().closed_;
  return count_ < 0 || refused_ || semaphore().TakeLocked(count_);
}

absl::StatusOr<Semaphore::Permit> Semaphore::AcquireAwaiter::await_resume() {
  if (cancelled()) return status();
  if (count_ < 0) {
    return absl::InvalidArgumentError("a semaphore's count is not negative");
  }
  if (refused_) return absl::OutOfRangeError("the semaphore is closed");
  return Permit(semaphore(), count_);
}

}  // namespace weft::sync
