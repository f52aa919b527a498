// BareCoroutine: the least that the language lets a coroutine be. Floors are
// made of it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_BARE_COROUTINE_H_
#define WEFT_BENCH_RUNTIME_BARE_COROUTINE_H_

#include <coroutine>
#include <exception>
#include <utility>

namespace weft::bench {

// Starts when it is first resumed, stays at its end, and is destroyed with its
// owner.
class BareCoroutine {
 public:
  struct promise_type {
    BareCoroutine get_return_object() {
      return BareCoroutine(
          std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  BareCoroutine(BareCoroutine&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)) {}
  BareCoroutine& operator=(BareCoroutine&&) = delete;
  ~BareCoroutine() {
    if (frame_) frame_.destroy();
  }

  std::coroutine_handle<> handle() const noexcept { return frame_; }

 private:
  explicit BareCoroutine(std::coroutine_handle<promise_type> frame) noexcept
      : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_BARE_COROUTINE_H_
