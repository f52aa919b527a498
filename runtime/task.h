// Task<T>: a coroutine that has not started yet.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TASK_H_
#define WEFT_RUNTIME_TASK_H_

#include <coroutine>
#include <utility>

#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/promise.h"

namespace weft {

// Owns the coroutine frame. Await it once, as an rvalue:
//
//     int n = co_await Count(stream);
//
// The awaited task runs at once, on this thread, and the caller goes on when it
// has completed; its frame, with every local and argument in it, is gone by
// then. An exception that escapes it is thrown from the co_await.
//
// Cost: a frame from the pool, and two jumps. Destroying a Task that never ran
// frees the frame and the arguments in it.
template <typename T = void>
class [[nodiscard("a Task does nothing until it is awaited or spawned")]] Task {
 public:
  using Result = T;

  struct promise_type : PromiseBase, ReturnSlot<T> {
    Task get_return_object() noexcept {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };
  using Frame = internal::FrameOwner<promise_type>;

  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) = delete;  // Would have to destroy a live frame.

  class Awaiter {
   public:
    explicit Awaiter(Frame child) noexcept : child_(std::move(child)) {}

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
      child_.promise().set_continuation(caller);
      return internal::Transfer(child_.handle());  // On a flat stack.
    }
    T await_resume() {
      struct DestroyOnReturn {
        Frame& finished;
        ~DestroyOnReturn() { finished.Destroy(); }
      } destroy_on_return{child_};
      return child_.promise().TakeResult();
    }

   private:
    Frame child_;
  };

  Awaiter operator co_await() && noexcept { return Awaiter(TakeFrame()); }

  // False for a task that was moved from, or awaited.
  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

  // For those that run a task without awaiting it: spawn, forks, scopes.
  Frame TakeFrame() noexcept { return std::move(frame_); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept
      : frame_(frame) {}

  Frame frame_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TASK_H_
