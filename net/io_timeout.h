// IoTimeout: a limit on how long one wait for a descriptor may last, without a
// scope, a task or an allocation of its own.
//
//     clock --> OnTimer: note `passed`, nudge the Source
//                                          |
//     the operation's awaiter <-- woken ---'   tries its system call once more,
//                                              and only if that would block
//                                              says DEADLINE_EXCEEDED
//
// A nudge is a readiness too many, which every operation stands: an operation
// that gets its data at the last moment has succeeded.
//
// Rejected: WithTimeout around every read (a task, a scope and a join for what
// is one timer); a timer that unlinks the waiter itself (a second owner of the
// wake, beside readiness and cancellation).
//
// Invariants
//   1. `passed` comes before the nudge, so the try that it causes sees it.
//   2. OnTimer's last touch, of the object and of the Source, is the store of
//      kOver. A Stop that comes too late to cancel waits for that, a moment,
//      and then both may go.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_IO_TIMEOUT_H_
#define WEFT_NET_IO_TIMEOUT_H_

#include "absl/time/time.h"
#include "weft/reactor/source.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/runtime/atomic.h"

namespace weft::net {

// Threads: one operation's; it may move between threads with its task.
class IoTimeout final : reactor::Timer {
 public:
  // Not running. Requires: a finite limit.
  IoTimeout(reactor::Source& source, reactor::Direction direction,
            absl::Duration limit) noexcept
      : source_(source), limit_(limit), direction_(direction) {}
  ~IoTimeout() { Stop(); }

  // Runs from now: call it before the wait. Requires: InsideRuntime().
  void Start() noexcept;

  // Something has been achieved: runs anew from now, if it was running.
  void Restart() noexcept;

  // Afterwards OnTimer is not running and will not run.
  void Stop() noexcept {
    if (wheel_ != nullptr) [[unlikely]]
      Disarm();
  }

  bool passed() const noexcept {
    // acquire: pairs with the releases in OnTimer, for tidiness; the flag is
    // all there is to see.
    return stage_.load(std::memory_order_acquire) != kRunning;
  }
  absl::Duration limit() const noexcept { return limit_; }

 private:
  enum Stage : unsigned char { kRunning, kPassed, kOver };

  void OnTimer() noexcept override;
  void Disarm() noexcept;

  // In an order that leaves no gaps: two of them are in most connections'
  // frames.
  reactor::Source& source_;
  reactor::TimerWheel* wheel_ = nullptr;  // Not null while it may run.
  const absl::Duration limit_;
  const reactor::Direction direction_;
  // Written by the thread that fires timers; read by the operation.
  Atomic<Stage> stage_{kRunning};
};

}  // namespace weft::net

#endif  // WEFT_NET_IO_TIMEOUT_H_
