// FloorTask: a lazy task reduced to what it takes to await one.
//
// A continuation, a value, symmetric transfer in and out, and a frame recycled
// through a thread-local list. It has no exceptions, no source locations, no
// steps between coroutines, and its frames stay on their thread.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_FLOOR_TASK_H_
#define WEFT_BENCH_RUNTIME_FLOOR_TASK_H_

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

namespace weft::bench {

struct FreeFrame {
  FreeFrame* next;
};
constexpr std::size_t kStep = 16;
inline constinit thread_local std::array<FreeFrame*, 64> free_frames = {};

class FloorTask {
 public:
  struct promise_type {
    FloorTask get_return_object() {
      return FloorTask(
          std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct ToCaller {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> finished) const noexcept {
          return finished.promise().caller;
        }
        void await_resume() const noexcept {}
      };
      return ToCaller{};
    }
    void return_value(std::int64_t result) noexcept { value = result; }
    void unhandled_exception() noexcept { std::terminate(); }

    static void* operator new(std::size_t size) {
      FreeFrame*& first = free_frames[(size + kStep - 1) / kStep];
      FreeFrame* const frame = first;
      if (frame == nullptr) return ::operator new(size);
      first = frame->next;
      return frame;
    }
    static void operator delete(void* frame, std::size_t size) noexcept {
      FreeFrame*& first = free_frames[(size + kStep - 1) / kStep];
      first = ::new (frame) FreeFrame{first};
    }

    std::coroutine_handle<> caller;
    std::int64_t value = 0;
  };

  FloorTask(FloorTask&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)) {}
  FloorTask& operator=(FloorTask&&) = delete;
  ~FloorTask() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> child;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<> caller) const noexcept {
        child.promise().caller = caller;
        return child;
      }
      std::int64_t await_resume() const noexcept {
        return child.promise().value;
      }
    };
    return Awaiter{frame_};
  }

 private:
  explicit FloorTask(std::coroutine_handle<promise_type> frame) noexcept
      : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_FLOOR_TASK_H_
