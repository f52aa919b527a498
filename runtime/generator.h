// Generator: a function that gives its results one by one, each when asked.
//
//     Generator<int> Count(int from) {
//       for (;;) co_yield from++;
//     }
//     for (int i : Count(1)) ...
//
// A conversation can go both ways. `co_yield item` hands an item out and
// suspends; the next request resumes it, and what came with the request is the
// value of that co_yield expression:
//
//     consumer             generator
//     Next()            -> runs to the next co_yield, which gives Sent{}
//     Send(value)       -> ... which gives `value`
//     Throw(exception)  -> ... which throws
//     Close()           -> ... which never returns: locals are destroyed
//
// Generators are synchronous: the generator runs on its consumer's stack, and
// needs no runtime. To wait inside one, use AsyncGenerator (async_generator.h).
// After Python's: PEP 255 (yield), PEP 342 (send, throw, close), PEP 380
// (`yield from`, here elements_of.h). A chain of delegations of any depth is
// resumed, completed, unwound by an exception and destroyed on a flat stack
// (internal/yielding_promise.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_GENERATOR_H_
#define WEFT_RUNTIME_GENERATOR_H_

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/elements_of.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/stack_guard.h"
#include "weft/runtime/internal/yielding_promise.h"
#include "weft/runtime/promise.h"

namespace weft {

// What can be sent to a generator: nothing, or a value that has an "empty"
// state, which is what a plain Next() sends.
template <typename Sent>
concept Sendable = std::is_void_v<Sent> ||
                   (std::movable<Sent> && std::default_initializable<Sent>);

template <Yieldable T, Sendable Sent = void, typename Return = void>
class Generator;

namespace internal {

template <typename T, typename Inner>
class GeneratorDelegation;

// The part of a generator's promise that all frames of a chain agree on.
template <typename T, typename Sent>
class GeneratorPromise : public YieldingPromise {
 public:
  using Message =
      std::conditional_t<std::is_void_v<Sent>, std::monostate, Sent>;

  // The item lives in here, in the frame of the generator, until it goes on.
  class YieldAwaiter {
   public:
    YieldAwaiter(GeneratorPromise& promise, T item)
        : promise_(promise), item_(std::move(item)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept {
      promise_.Show(std::addressof(item_));
    }
    Sent await_resume() {
      auto& outermost = static_cast<GeneratorPromise&>(promise_.outermost());
      if (outermost.thrown_ != nullptr) [[unlikely]] {
        std::rethrow_exception(std::exchange(outermost.thrown_, nullptr));
      }
      // What was sent is received once: a generator that is delegated to
      // meanwhile gets Sent{} first.
      if constexpr (!std::is_void_v<Sent>) {
        return std::exchange(*outermost.message_, Message{});
      }
    }

   private:
    GeneratorPromise& promise_;
    T item_;
  };

  YieldAwaiter yield_value(T item) {
    return YieldAwaiter(*this, std::move(item));
  }
  template <typename Return>
  auto yield_value(ElementsOf<Generator<T, Sent, Return>> elements) noexcept {
    return GeneratorDelegation<Generator<T, Sent, Return>, Return>(
        *this, std::move(elements).Take());
  }
  // A range is as good as a generator that yields its elements.
  template <std::ranges::input_range Range>
    requires std::convertible_to<std::ranges::range_reference_t<Range>, T>
  auto yield_value(ElementsOf<Range> elements) {
    using Inner = Generator<T, Sent>;
    return GeneratorDelegation<Inner, void>(
        *this, YieldEach<Inner>(std::move(elements).Take()));
  }

  template <typename Awaitable>
  std::suspend_never await_transform(Awaitable&&) {
    static_assert(!sizeof(Awaitable),
                  "a Generator cannot co_await, since its consumer does not: "
                  "make it an AsyncGenerator");
    return {};
  }

  // Of the outermost frame: what the next turn brings. Borrows both until then.
  void Bring(Message& message, std::exception_ptr thrown) noexcept {
    message_ = &message;
    thrown_ = std::move(thrown);
  }

 private:
  template <typename Inner, typename Range>
  static Inner YieldEach(Range range) {
    for (auto&& element : range)
      co_yield std::forward<decltype(element)>(element);
  }

  Message* message_ = nullptr;
  std::exception_ptr thrown_;
};

// The consumer's thread goes to the inner generator, until that completes.
template <typename Inner, typename Return>
class [[nodiscard("co_yield it")]] GeneratorDelegation final
    : public Delegation {
 public:
  GeneratorDelegation(YieldingPromise& outer, Inner inner) noexcept
      : Delegation(outer), frame_(inner.TakeFrame()) {}

  bool await_ready() const noexcept {
    return !frame_ || frame_.promise().ended();
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
    return Transfer(Begin(frame_.promise()));
  }
  Return await_resume() {
    if constexpr (std::is_void_v<Return>) {
      if (!frame_) return;  // It had ended before.
    } else {
      ABSL_RAW_CHECK(frame_,
                     "ElementsOf() a generator that has no result: it "
                     "was closed, threw, or its result was taken");
    }
    struct DestroyOnReturn {
      typename Inner::Frame& finished;
      ~DestroyOnReturn() { finished.Destroy(); }
    } destroy_on_return{frame_};
    return frame_.promise().TakeResult();
  }

 private:
  typename Inner::Frame frame_;
};

}  // namespace internal

// Owns the coroutine frames of the generator and of all that it delegates to.
//
// Threads: one at a time.
// Borrows: what the generator's function was given by reference.
// Errors:  an exception that escapes from the generator is thrown from the call
//          that asked for an item; the generator has ended then.
// Cost:    a frame from the pool; an item costs one resumption at any depth.
template <Yieldable T, Sendable Sent, typename Return>
class [[nodiscard("a Generator does nothing until it is asked")]] Generator {
  using Promise = internal::GeneratorPromise<T, Sent>;
  using Message = typename Promise::Message;

 public:
  class Iterator;

  class promise_type : public Promise, public ReturnSlot<Return> {
   public:
    Generator get_return_object() noexcept {
      return Generator(
          std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };
  using Frame = internal::FrameOwner<promise_type>;

  Generator(Generator&&) noexcept = default;
  // Closes the generator that was here.
  Generator& operator=(Generator&& other) noexcept {
    if (this == &other) return *this;
    Close();
    frame_ = std::move(other.frame_);
    return *this;
  }
  ~Generator() { Close(); }

  // The next item; empty when the generator has ended. A suspended co_yield
  // gives Sent{}.
  std::optional<T> Next() {
    Message message{};
    return TakeItem(Advance(message, nullptr));
  }

  // Like Next, but the suspended co_yield gives `message`.
  //
  // Requires: the generator has begun: call Next() first, and nothing is lost.
  std::optional<T> Send(Message message)
    requires(!std::is_void_v<Sent>)
  {
    ABSL_RAW_CHECK(!frame_ || !frame_.promise().fresh(),
                   "Send() to a generator that has not begun: no co_yield is "
                   "there to receive it. Call Next() first");
    return TakeItem(Advance(message, nullptr));
  }

  // Like Next, but the suspended co_yield throws `exception`: the generator may
  // catch it and yield or return. One that has not begun or has ended lets it
  // through: it is thrown from here.
  std::optional<T> Throw(std::exception_ptr exception) {
    if (!frame_ || frame_.promise().fresh() || frame_.promise().ended()) {
      Close();
      std::rethrow_exception(std::move(exception));
    }
    Message message{};
    return TakeItem(Advance(message, std::move(exception)));
  }

  // Ends the generator at its co_yield, as its destructor does: every local of
  // every frame is destroyed, innermost first. Idempotent.
  //
  // Python raises GeneratorExit there, which code can catch and even refuse. In
  // C++ clean-up lives in destructors; nothing is thrown, no `catch` is
  // entered, and a generator cannot refuse.
  void Close() noexcept {
    if (!frame_) return;
    internal::DestroyChain(frame_.promise());
    frame_.Forget();
  }

  // What the generator returned, once.
  //
  // Requires: it has returned: Next() gave nothing, and did not throw.
  Return TakeResult()
    requires(!std::is_void_v<Return>)
  {
    ABSL_RAW_CHECK(frame_ && frame_.promise().ended(),
                   "TakeResult() of a generator that has not returned, or "
                   "whose result was taken: ask until Next() gives nothing");
    const Frame returned = std::move(frame_);
    return returned.promise().TakeResult();
  }

  // An input range: each item can be visited once, and changed or moved from.
  // begin() asks for the first item or, later, for the next one.
  Iterator begin() { return ++Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // For those that run a generator without asking it: a delegation.
  Frame TakeFrame() noexcept { return std::move(frame_); }

 private:
  explicit Generator(std::coroutine_handle<promise_type> frame) noexcept
      : frame_(frame) {}

  // The item, in the generator's frame; null: it has ended.
  T* Advance(Message& message, std::exception_ptr thrown) {
    if (!frame_ || frame_.promise().ended()) return nullptr;
    frame_.promise().Bring(message, std::move(thrown));
    if (void* item = internal::RunTurn(frame_.promise())) {
      return static_cast<T*>(item);
    }
    if (std::is_void_v<Return> || frame_.promise().has_exception()) {
      const Frame finished = std::move(frame_);
      static_cast<void>(finished.promise().TakeResult());
    }
    return nullptr;
  }
  static std::optional<T> TakeItem(T* item) {
    if (item == nullptr) return std::nullopt;
    return std::optional<T>(std::move(*item));
  }

  // The item of the last turn; null when there is none.
  T* item() const noexcept {
    return frame_ ? static_cast<T*>(frame_.promise().item()) : nullptr;
  }

  Frame frame_;
};

template <Yieldable T, Sendable Sent, typename Return>
class Generator<T, Sent, Return>::Iterator {
 public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit Iterator(Generator& generator) noexcept : generator_(&generator) {}

  T& operator*() const noexcept { return *generator_->item(); }
  T* operator->() const noexcept { return generator_->item(); }
  Iterator& operator++() {
    Message message{};
    generator_->Advance(message, nullptr);
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const noexcept {
    return generator_->item() == nullptr;
  }

 private:
  Generator* generator_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_GENERATOR_H_
