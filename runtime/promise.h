// What every coroutine in this library has in common.
//
// The compiler turns a coroutine into a frame on the heap and asks the promise
// inside it what to do at three moments:
//
//     initial_suspend   before the first statement   stop: we are lazy
//     return_value      at `co_return v`             keep v for the awaiter
//     final_suspend     after the last statement     hand the thread to it
//
// The third is the heart of the machine. Calling `awaiter.resume()` there would
// nest one stack frame per completed coroutine, and a loop of a million awaits
// would overflow the stack. Returning the awaiter's handle from await_suspend
// lets the compiler *jump* to it instead ("symmetric transfer"), so the stack
// stays flat. It is written once, in FinalAwaiter, and nowhere else.
//
// Whoever receives a completion, the awaiter in the caller, a branch of a fork
// or the root of a task, moves the result out and destroys the frame before it
// does anything else. So a coroutine may complete anywhere it is suspended, not
// only at its end: or_return.h relies on that, and nobody ever asks done().
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_PROMISE_H_
#define WEFT_RUNTIME_PROMISE_H_

#include <bit>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include "weft/runtime/awaitable.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/internal/stack_guard.h"
#include "weft/runtime/recycled.h"

namespace weft {

// The part of a promise that does not depend on the result type.
//
// Threads: confined to the thread that currently runs the coroutine. Moving a
// coroutine between threads is the scheduler's job, and its queues order the
// two threads; nothing here needs an atomic.
class PromiseBase : public Recycled {
 public:
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <std::derived_from<PromiseBase> Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> finished) const noexcept {
      // From here on `*this` may be gone: a step may destroy our frame.
      return internal::Transfer(finished.promise().continuation().Resolve());
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }

  // Notes where the coroutine waits, for the asynchronous stack. Nothing else:
  // the awaiter is the one the language would have found.
  //
  // The place is what a std::source_location is made of, a pointer: g++ 12 puts
  // an argument of class type into the frame for good, and these 8 bytes are
  // paid by every coroutine that waits.
  template <typename Awaitable>
  auto await_transform(Awaitable&& awaitable,
                       const void* at = __builtin_source_location()) {
    NotePlace(std::bit_cast<std::source_location>(at));
    if constexpr (std::is_reference_v<internal::AwaiterOf<Awaitable>>) {
      auto&& awaiter = internal::GetAwaiter(std::forward<Awaitable>(awaitable));
      return internal::AwaiterRef{awaiter};
    } else {
      return internal::GetAwaiter(std::forward<Awaitable>(awaitable));
    }
  }

  void NotePlace(const std::source_location& at) noexcept { awaiting_at_ = at; }

  Continuation continuation() const noexcept { return continuation_; }
  void set_continuation(Continuation next) noexcept { continuation_ = next; }

  // The last co_await that was reached; meaningful while suspended.
  const std::source_location& awaiting_at() const noexcept {
    return awaiting_at_;
  }

 private:
  Continuation continuation_;
  std::source_location awaiting_at_;
};

// Where `co_return` leaves its value until the receiver takes it: empty, then
// exactly one of a value or an escaped exception.
template <typename T>
class ReturnSlot {
  // The promise of a coroutine lies where its alignment puts it, and we look
  // for it at one place; and no compiler of ours aligns a frame for more.
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "a coroutine cannot return what is aligned to more than "
                "operator new gives: return it by std::unique_ptr");

 public:
  ReturnSlot() noexcept {}
  ReturnSlot(const ReturnSlot&) = delete;
  ReturnSlot& operator=(const ReturnSlot&) = delete;
  ~ReturnSlot() { Clear(); }

  // Where an exception escapes from a conversion to T, the compiler hands it
  // to unhandled_exception, and the slot is still empty.
  template <std::convertible_to<T> U = T>
  void return_value(U&& value) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
    holds_ = kValue;
  }
  // A destructor of a local may throw after return_value: the exception wins.
  void unhandled_exception() noexcept {
    Clear();
    std::construct_at(std::addressof(escaped_), std::current_exception());
    holds_ = kException;
  }

  // An exception escaped, and nobody has taken it yet.
  bool has_exception() const noexcept {
    return holds_ == kException && escaped_ != nullptr;
  }
  // Requires: has_exception().
  const std::exception_ptr& exception() const noexcept { return escaped_; }

  // Receives what `from` holds; `from` keeps a moved-from shell of it.
  void MoveFrom(ReturnSlot& from) noexcept {
    if (from.holds_ == kValue) {
      std::construct_at(std::addressof(value_), std::move(from.value_));
    } else if (from.holds_ == kException) {
      std::construct_at(std::addressof(escaped_), std::move(from.escaped_));
    }
    holds_ = from.holds_;
  }

  // Requires: the coroutine has completed. Call once. Leaves nothing behind
  // that would have to be destroyed.
  T TakeResult() {
    if (holds_ == kException) [[unlikely]]
      std::rethrow_exception(std::exchange(escaped_, nullptr));
    T value = std::move(value_);
    Clear();
    return value;
  }

 private:
  union {
    T value_;
    std::exception_ptr escaped_;
  };
  enum : unsigned char { kEmpty, kValue, kException } holds_ = kEmpty;

  void Clear() noexcept {
    if (holds_ == kValue) std::destroy_at(std::addressof(value_));
    if (holds_ == kException) std::destroy_at(std::addressof(escaped_));
    holds_ = kEmpty;
  }
};

// A promise may declare return_value or return_void, never both; this
// specialisation exists only for that rule of the language.
template <>
class ReturnSlot<void> {
 public:
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { escaped_ = std::current_exception(); }
  bool has_exception() const noexcept { return escaped_ != nullptr; }
  const std::exception_ptr& exception() const noexcept { return escaped_; }
  void MoveFrom(ReturnSlot& from) noexcept {
    escaped_ = std::move(from.escaped_);
  }
  void TakeResult() {
    if (escaped_) std::rethrow_exception(std::exchange(escaped_, nullptr));
  }

 private:
  std::exception_ptr escaped_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PROMISE_H_
