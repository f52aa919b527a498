// OrReturn: unwrap a value, or return the error. The `?` of this library.
//
//     size_t n = co_await OrReturn(stream.Read(buffer));
//     co_await OrReturn(stream.WriteAll(bytes));
//     auto listener = co_await OrReturn(TcpListener::Bind(address));
//
// On an error the enclosing Task<Status> or Task<StatusOr<T>> completes with
// it, as by co_return. No macro, no exception, no allocation: the error goes
// into the promise while the coroutine is still suspended at this co_await, and
// the thread goes to whoever awaits the coroutine. That one destroys the frame,
// as it does after a co_return (promise.h), so every local dies, innermost
// first.
//
// For something that must be awaited first, OrReturn is a step between it and
// the coroutine (continuation.h): it looks at the result when it arrives, and
// only resumes the coroutine when there is a value.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_OR_RETURN_H_
#define WEFT_RUNTIME_OR_RETURN_H_

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/promise.h"

namespace weft {
namespace internal {

// A promise that an error can complete.
template <typename Promise>
concept ReturnsStatus = std::derived_from<Promise, PromiseBase> &&
                        requires(Promise& promise, absl::Status error) {
                          promise.return_value(std::move(error));
                        };

inline absl::Status TakeError(absl::Status& status) {
  return std::move(status);
}
template <typename T>
absl::Status TakeError(absl::StatusOr<T>& result) {
  return std::move(result).status();
}
inline void TakeValue(absl::Status&) {}
template <typename T>
T TakeValue(absl::StatusOr<T>& result) {
  return *std::move(result);
}

// An awaiter that keeps what it gives: `result()` is that, when the wait is
// over, and takes the place of await_resume.
template <typename Awaiter>
concept KeepsResult = requires(Awaiter& awaiter) {
  requires StatusLike<decltype(awaiter.await_resume())>;
  {
    awaiter.result()
  } noexcept
      -> std::same_as<std::remove_cvref_t<decltype(awaiter.await_resume())>&>;
};

// What an inner await gave: fetched from it as soon as it is there.
template <typename Awaiter>
class Arrival {
  using Given = decltype(std::declval<Awaiter&>().await_resume());

 public:
  void Fetch(Awaiter& from) noexcept {
    try {
      result_.emplace(from.await_resume());
    } catch (...) {  // A user's exception goes on to the coroutine unchanged.
      escaped_ = std::current_exception();
    }
  }

  bool happened() const noexcept { return result_.has_value() || escaped_; }
  // Requires, as all below: it happened.
  bool has_value() const noexcept { return escaped_ || result_->ok(); }
  absl::Status TakeError() { return internal::TakeError(*result_); }
  decltype(auto) TakeValue() {
    if (escaped_) std::rethrow_exception(std::move(escaped_));
    return internal::TakeValue(*result_);
  }

 private:
  std::optional<std::remove_cvref_t<Given>> result_;
  std::exception_ptr escaped_;
};

// It may stay where it is: a read or a write of a socket moves its result once
// less, and has no exception to look for.
template <KeepsResult Awaiter>
class Arrival<Awaiter> {
 public:
  void Fetch(Awaiter& from) noexcept { result_ = &from.result(); }

  bool happened() const noexcept { return result_ != nullptr; }
  bool has_value() const noexcept { return result_->ok(); }
  absl::Status TakeError() { return internal::TakeError(*result_); }
  decltype(auto) TakeValue() { return internal::TakeValue(*result_); }

 private:
  std::remove_reference_t<decltype(std::declval<Awaiter&>().result())>*
      result_ = nullptr;
};

// Completes the coroutine of `promise` with `error`, where it is suspended.
// From here on its frame may be gone.
template <ReturnsStatus Promise>
Continuation CompleteWith(Promise& promise, absl::Status error) noexcept {
  promise.return_value(std::move(error));
  return promise.continuation();
}

}  // namespace internal

// For a result that is there already.
template <StatusLike Result>
class [[nodiscard("co_await it")]] OrReturnValue {
 public:
  explicit OrReturnValue(Result result) : result_(std::move(result)) {}

  bool await_ready() const noexcept { return result_.ok(); }
  template <internal::ReturnsStatus Promise>
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<Promise> caller) noexcept {
    return internal::Transfer(
        internal::CompleteWith(caller.promise(), internal::TakeError(result_))
            .Resolve());
  }
  auto await_resume() { return internal::TakeValue(result_); }

 private:
  Result result_;
};

// For a result that must be awaited.
template <typename Awaitable>
class [[nodiscard("co_await it")]] OrReturnAwaiter final : public Runnable {
  using Inner = internal::AwaiterOf<Awaitable>;

 public:
  explicit OrReturnAwaiter(Awaitable&& awaitable)
      : inner_(internal::GetAwaiter(std::forward<Awaitable>(awaitable))) {}

  bool await_ready() {
    if (!inner_.await_ready()) return false;
    arrival_.Fetch(inner_);
    return arrival_.has_value();
  }

  // The inner awaiter waits with this step as the one who goes on; that is why
  // it must take a Continuation, as every awaiter of this library does.
  template <internal::ReturnsStatus Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> caller) {
    caller_ = caller;
    complete_ = [](std::coroutine_handle<> coroutine, absl::Status error) {
      return internal::CompleteWith(
          std::coroutine_handle<Promise>::from_address(coroutine.address())
              .promise(),
          std::move(error));
    };
    if (arrival_.happened()) return internal::Transfer(Next().Resolve());
    using Suspended = decltype(inner_.await_suspend(Continuation(*this)));
    if constexpr (std::is_void_v<Suspended>) {
      inner_.await_suspend(Continuation(*this));
      return std::noop_coroutine();
    } else if constexpr (std::same_as<Suspended, bool>) {
      if (inner_.await_suspend(Continuation(*this))) {
        return std::noop_coroutine();  // From here on `*this` may be gone.
      }
      arrival_.Fetch(inner_);
      return internal::Transfer(Next().Resolve());
    } else {
      return inner_.await_suspend(Continuation(*this));
    }
  }

  decltype(auto) await_resume() { return arrival_.TakeValue(); }

  // Runnable: the inner wait is over, on whatever thread.
  Continuation Run(internal::ThisThread&) noexcept override {
    arrival_.Fetch(inner_);
    return Next();
  }
  PromiseBase* awaiting_promise() const noexcept override {
    return &caller().promise();
  }

 private:
  std::coroutine_handle<PromiseBase> caller() const noexcept {
    return std::coroutine_handle<PromiseBase>::from_address(caller_.address());
  }
  Continuation Next() noexcept {
    if (arrival_.has_value()) return caller();
    return complete_(caller_, arrival_.TakeError());
  }

  Inner inner_;
  internal::Arrival<std::remove_reference_t<Inner>> arrival_;
  std::coroutine_handle<> caller_;
  Continuation (*complete_)(std::coroutine_handle<>, absl::Status) = nullptr;
};

// Unwraps `result`, or completes the enclosing task with its error.
//
// Suspends: never; with an error the enclosing task is complete.
// Cancel:   no effect: there is nothing to wait for.
template <StatusLike Result>
OrReturnValue<std::remove_cvref_t<Result>> OrReturn(Result&& result) {
  return OrReturnValue<std::remove_cvref_t<Result>>(
      std::forward<Result>(result));
}

// Awaits `awaitable`, then unwraps its result or completes the enclosing task
// with its error.
//
// Suspends: as `awaitable` does.
// Cancel:   as `awaitable` does; its CANCELLED completes the enclosing task.
// Borrows:  an lvalue `awaitable`, until it has been awaited.
template <typename A>
  requires(Awaitable<A> && StatusLike<AwaitResult<A>>)
OrReturnAwaiter<A> OrReturn(A&& awaitable) {
  return OrReturnAwaiter<A>(std::forward<A>(awaitable));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_OR_RETURN_H_
