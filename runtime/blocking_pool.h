// The blocking pool: threads for work that would block a worker, and
// Blocking(), the way to use it.
//
//     auto text = co_await OrReturn(Blocking([path] { return Slurp(path); }));
//
// A worker that blocks serves nobody, so what has no asynchronous form (a file
// that is not in the page cache, getaddrinfo, a library's call) runs on a
// thread of the pool, and the task waits for it. Threads are started when work
// finds none idle, up to a limit, and end after kIdleTime without work.
//
// Of several idle threads the one that was busy last is called: what it needs
// is still near its processor, and those that are not needed are left alone
// until they end. (On one condition variable for all of them the system wakes
// the one that has waited longest: a little work then keeps them all, and
// sixteen writers of files took a seventh longer.)
//
//     started --> coming --> looks at the queue --> idle --> ended
//                   ^          ^         |           |
//                   |          '- works -'           |
//                   '------------- called -----------'
//
// No work is left behind. With each one that is queued an idle thread is called
// or another one started, unless more are coming than have something to do
// there; so the queue holds no more works than threads are coming. Where the
// limit, or the system, allows no more of them, all are busy; and they look at
// the queue, under the lock, before they are idle.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_BLOCKING_POOL_H_
#define WEFT_RUNTIME_BLOCKING_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/promise.h"
#include "weft/runtime/wait_result.h"

namespace weft {
namespace internal {

// One piece of work; lives in the frame of the task that waits for it.
class BlockingWork {
 public:
  // On a thread of the pool. `*this` may be gone when it returns.
  virtual void RunAndFinish() noexcept = 0;

 protected:
  ~BlockingWork() = default;

 private:
  friend class BlockingPool;
  BlockingWork* next_ = nullptr;      // Guarded by the pool's mutex,
  BlockingWork* previous_ = nullptr;  // as are the two below.
  bool queued_ = false;
};

class BlockingPool {
 public:
  // A thread ends when it has been idle for so long.
  static constexpr std::chrono::seconds kIdleTime{10};

  explicit BlockingPool(
      int max_threads, std::chrono::microseconds idle_time = kIdleTime) noexcept
      : max_threads_(max_threads), idle_time_(idle_time) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  ~BlockingPool() { Stop(); }

  // A pool without threads: the caller runs the work itself.
  bool runs_inline() const noexcept { return max_threads_ == 0; }

  enum class Submitted { kYes, kNotPublished, kNoThread };
  // Queues `work` if `publish` agrees, which is called under the pool's lock.
  // kNoThread: the system refuses the first one.
  Submitted SubmitIf(BlockingWork& work, absl::FunctionRef<bool()> publish);

  // How many threads wait to be called. From any thread; out of date at once.
  int idle_threads() noexcept;

  // How many threads are at work. A hint, from any thread.
  int busy_threads() const noexcept {
    return busy_threads_.load(std::memory_order_relaxed);
  }

  // True: the work has not begun and never will.
  bool TakeBack(BlockingWork& work) noexcept;

  // Finishes what is queued and joins the threads. Requires: nobody submits
  // anything any more, or is still inside a SubmitIf.
  void Stop() noexcept;

 private:
  struct Thread {
    std::thread thread;              // Of whoever starts and joins it.
    std::condition_variable called;  // Its own, and whoever calls it.
    bool is_idle = false;            // Guarded by mutex_.
  };
  using Threads = std::list<Thread>;

  void RunThread(Threads::iterator self);
  // These require the lock. False: the system refuses it.
  bool StartThread();
  Thread& CallFirstIdle() noexcept;
  // These give the lock away in between.
  void RunFirst(std::unique_lock<std::mutex>& lock);
  bool WaitToBeCalled(std::unique_lock<std::mutex>& lock,
                      Threads::iterator self);
  void Retire(std::unique_lock<std::mutex>& lock, Threads::iterator self);

  const int max_threads_;
  const std::chrono::microseconds idle_time_;
  Atomic<int> busy_threads_{0};  // Relaxed throughout: a hint.
  std::mutex mutex_;
  BlockingWork* first_ = nullptr;  // Guarded by mutex_, as all below.
  BlockingWork* last_ = nullptr;
  int queued_ = 0;
  bool stopping_ = false;
  // A thread moves from one to the next, and back from idle to busy.
  Threads busy_;    // And coming.
  int coming_ = 0;  // Of those: called or started, and not there yet.
  Threads idle_;    // First the one that was busy last.
  Threads ended_;   // To be joined.
  // Joined. They stay until the end, for threads to come: whoever has called
  // one may not be done with its condition variable.
  Threads spare_;
};

// The wait, without the type of the result.
class BlockingLeaf : public Leaf, protected BlockingWork {
 public:
  bool await_ready() noexcept;
  bool await_suspend(Continuation caller) noexcept;

  void Cancel() noexcept final;
  WaitDescription Describe() const noexcept final { return {"blocking call"}; }

 protected:
  ~BlockingLeaf();

  virtual void Call() noexcept = 0;
  absl::Status EndWait() noexcept;

 private:
  void RunAndFinish() noexcept final {
    Call();
    Schedule();  // From here on `*this` may be gone.
  }

  BlockingPool* pool_ = nullptr;  // Set while the wait is in progress.
  absl::Status status_;
};

}  // namespace internal

template <std::invocable Function>
class [[nodiscard("co_await it")]] BlockingAwaiter final
    : public internal::BlockingLeaf {
  using T = std::invoke_result_t<Function>;

 public:
  explicit BlockingAwaiter(Function function)
      : function_(std::move(function)) {}

  WaitResult<T> await_resume() {
    absl::Status status = EndWait();
    if (!status.ok()) return status;
    return internal::TakeWaitResult(result_);
  }

 private:
  void Call() noexcept override {
    try {
      if constexpr (std::is_void_v<T>) {
        function_();
      } else {
        result_.return_value(function_());
      }
    } catch (...) {
      result_.unhandled_exception();
    }
  }

  Function function_;
  ReturnSlot<T> result_;
};

// Runs `function` on the blocking pool. An exception that escapes from it is
// thrown from the co_await. In simulation it runs at once, on the spot.
//
// Suspends: until the function has returned.
// Cancel:   CANCELLED if it had not begun; then it never will. Once it has
//           begun it is awaited, and its real result is given.
// Threads:  `function` runs on another thread; it may be blocked for long.
// Errors:   RESOURCE_EXHAUSTED where the system refuses the pool's first
//           thread; `function` was not called.
// Borrows:  what the function refers to, until the wait is over.
// Cost:     30 to 75 microseconds for the way to another thread and back.
template <std::invocable Function>
BlockingAwaiter<std::decay_t<Function>> Blocking(Function&& function) {
  return BlockingAwaiter<std::decay_t<Function>>(
      std::forward<Function>(function));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_BLOCKING_POOL_H_
