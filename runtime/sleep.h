// SleepFor and SleepUntil: waiting for the clock.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SLEEP_H_
#define WEFT_RUNTIME_SLEEP_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/runtime/current.h"
#include "weft/runtime/leaf.h"

namespace weft {

class [[nodiscard("co_await it")]] SleepAwaiter final : public Leaf,
                                                        reactor::Timer {
 public:
  explicit SleepAwaiter(Instant deadline) noexcept : deadline_(deadline) {}
  explicit SleepAwaiter(absl::Duration duration) noexcept
      : duration_(duration) {}
  ~SleepAwaiter();

  bool await_ready() noexcept;
  bool await_suspend(Continuation caller) noexcept;
  absl::Status await_resume() noexcept { return std::move(status_); }

  void Cancel() noexcept override;
  WaitDescription Describe() const noexcept override { return {"sleep"}; }

 private:
  void OnTimer() noexcept override { Schedule(); }

  Instant deadline_;
  absl::Duration duration_ = absl::ZeroDuration();
  reactor::TimerWheel* wheel_ = nullptr;  // Null until armed.
  bool over_ = false;                     // Before it began.
  absl::Status status_;
};

// Waits until at least `duration` has passed. OK, or CANCELLED.
//
// Suspends: until then; where the duration is not positive not at all, but for
//           a turn when the task has completed many operations without waiting.
// Cancel:   CANCELLED, at once.
// Cost:     no allocation; two reads of the clock.
// Units:    rounded up to the wheel's tick; never early.
//
// An object and no function: absl::SleepFor, which blocks the thread, would be
// found beside a function whenever its header is included.
struct SleepForOperation {
  SleepAwaiter operator()(absl::Duration duration) const noexcept {
    return SleepAwaiter(duration);
  }
};
inline constexpr SleepForOperation SleepFor;

// As SleepFor, until the runtime's clock reads `instant`.
//
// Suspends: until then; where it has passed as SleepFor.
// Cancel:   CANCELLED, at once.
inline SleepAwaiter SleepUntil(Instant instant) noexcept {
  return SleepAwaiter(instant);
}

}  // namespace weft

#endif  // WEFT_RUNTIME_SLEEP_H_
