// WithTimeout and WithDeadline: a task that must be over by then.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_DEADLINE_H_
#define WEFT_RUNTIME_DEADLINE_H_

#include <coroutine>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/single_join.h"
#include "weft/runtime/task.h"

namespace weft {

// Two parties: the child, and the timer. Whoever comes second runs the caller.
// A child that completes first cancels the timer, and then the timer is no
// party; if it is firing at that very moment, the join waits for it.
template <StatusLike T>
class [[nodiscard("co_await it")]] DeadlineAwaiter final
    : public internal::SingleJoin<T>,
      reactor::Timer {
 public:
  DeadlineAwaiter(Task<T> child, Instant deadline) noexcept
      : internal::SingleJoin<T>(std::move(child)), deadline_(deadline) {}
  ~DeadlineAwaiter() {
    // Still armed only in the frame of a runtime that has stopped.
    if (wheel_ != nullptr) wheel_->Cancel(*this);
  }

  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    internal::ThisThread& here = internal::Here();
    if (!this->Begin(caller, kChildAndTimer)) {
      this->branch_.Cancel();
    }
    wheel_ = &CurrentReactor().timers();
    if (deadline_ <= Now()) {
      // Nothing to arm, and nothing to race with.
      timed_out_ = true;
      wheel_ = nullptr;
      this->branch_.Cancel();
      static_cast<void>(this->CountDown(1));
    } else {
      wheel_->Arm(*this, deadline_);
    }
    return this->StartChild(here);
  }

  T await_resume() {
    // The caller's own scope: Begin has announced it.
    const bool outer_cancelled = this->context().cancelled();
    T result = this->branch_.result().TakeResult();
    if (timed_out_ && !outer_cancelled && IsCancelledResult(result)) {
      return absl::DeadlineExceededError("");
    }
    return result;
  }

  void Cancel() noexcept override { this->branch_.Cancel(); }
  WaitDescription Describe() const noexcept override { return {"deadline"}; }

  Continuation BranchDone(internal::Branch&,
                          internal::ThisThread& here) noexcept override {
    const bool timer_is_off = wheel_ != nullptr && wheel_->Cancel(*this);
    return this->Done(timer_is_off ? kChildAndTimer : 1, here);
  }

 private:
  static constexpr int kChildAndTimer = 2;

  static bool IsCancelledResult(const absl::Status& result) {
    return absl::IsCancelled(result);
  }
  template <typename U>
  static bool IsCancelledResult(const absl::StatusOr<U>& result) {
    return absl::IsCancelled(result.status());
  }

  // On the thread that polls. The child may be completing on another.
  void OnTimer() noexcept override {
    timed_out_ = true;
    this->branch_.Cancel();
    if (this->CountDown(1)) {
      // The child has completed and left the caller to us.
      this->Schedule();  // From here on `*this` may be gone.
    }
  }

  const Instant deadline_;
  reactor::TimerWheel* wheel_ = nullptr;  // Null where no timer was armed.
  bool timed_out_ = false;  // Written before the timer is counted down.
};

// Runs `task`, cancelling it at `deadline`. DEADLINE_EXCEEDED only if the task
// then says CANCELLED, and nobody outside has cancelled it: a task that
// succeeded at the last moment has succeeded.
//
// Suspends: until the task has completed, which may be later than the deadline:
//           it is cancelled, not abandoned.
// Cancel:   passed on to the task.
// Cost:     no allocation; one timer, armed and cancelled in O(1).
// Units:    the runtime's clock; rounded up, never early.
template <StatusLike T>
DeadlineAwaiter<T> WithDeadline(Instant deadline, Task<T> task) noexcept {
  return DeadlineAwaiter<T>(std::move(task), deadline);
}

// As WithDeadline, counted from now.
//
// Suspends: until the task has completed.
// Cancel:   passed on to the task.
template <StatusLike T>
DeadlineAwaiter<T> WithTimeout(absl::Duration timeout, Task<T> task) noexcept {
  return DeadlineAwaiter<T>(std::move(task), Now() + timeout);
}

}  // namespace weft

#endif  // WEFT_RUNTIME_DEADLINE_H_
