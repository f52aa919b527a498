// ThreadParking: a plain thread that waits where a task could.
//
// It is a step: whoever finishes the wait runs it, on its own thread, and that
// wakes the one that is parked. So a thread can stand wherever a continuation
// can.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_THREAD_PARKING_H_
#define WEFT_RUNTIME_THREAD_PARKING_H_

#include <condition_variable>
#include <mutex>

#include "weft/runtime/continuation.h"

namespace weft {

class ThreadParking final : public Runnable {
 public:
  Continuation Run(internal::ThisThread&) noexcept override {
    // Notified under the lock: the thread that waits destroys us.
    std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
    return {};
  }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

  // Blocks the calling thread until Run was called.
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return woken_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;  // Guarded by mutex_.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_THREAD_PARKING_H_
