// AsyncGenerator: a generator that may wait between its items.
//
//     AsyncGenerator<Row> Rows(Connection& database) {
//       Cursor cursor = co_await database.Open("select ...");
//       while (auto row = co_await cursor.Fetch()) co_yield *std::move(row);
//     }
//
//     AsyncGenerator<Row> rows = Rows(database);
//     while (std::optional<Row> row = co_await rows.Next()) ...
//
// It runs inside its consumer's task: in its cancel scope, and on its thread,
// which goes to the generator at Next() and comes back at co_yield, by
// symmetric transfer both ways. Delegation is `co_yield ElementsOf(inner)`, at
// the same price at any depth (elements_of.h). After Python's asynchronous
// generators, PEP 525.
//
// Ending one early. Dropping a generator destroys the locals of its frames,
// innermost first; no code of it runs. Where clean-up must wait, the generator
// asks to be told, and the consumer closes it:
//
//     for (;;) {                                     generator
//       ...
//       const bool wanted = co_yield Offer(row);
//       if (!wanted) break;                          // The consumer closes.
//     }
//     co_await Shield(cursor.Release());
//
//     co_await rows.Close();                         consumer
//
// Close() resumes a generator that waits at an Offer; one at a plain co_yield
// completes where it is suspended, as a task does at an OrReturn (promise.h),
// and so does one that yields again after it has been told. Then whoever
// delegated to it ends in the same way, up to the outermost.
//
// Rejected: an exception at the co_yield, as in Python (a handler cannot
// co_await, and our interface throws nothing); every co_yield a question (who
// does not read the answer would run on to the next co_yield, and maybe wait
// for a day before it).
//
// A co_yield stands in the generator's own body only, so none can stand inside
// the body of a WithTimeout, a WithScope or a Using, and a consumer is never
// caught in a cancel scope of its generator (PEP 789 is about what Python
// suffers from there).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_ASYNC_GENERATOR_H_
#define WEFT_RUNTIME_ASYNC_GENERATOR_H_

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/elements_of.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/stack_guard.h"
#include "weft/runtime/internal/yielding_promise.h"
#include "weft/runtime/promise.h"
#include "weft/runtime/task.h"

namespace weft {

template <Yieldable T>
class AsyncGenerator;

// `co_yield Offer(item)`, in an AsyncGenerator: true when the consumer asks for
// more, false when it closes the generator, which then cleans up and returns.
// `co_yield Offer(ElementsOf(inner))` is true when all of them were taken.
template <typename Item>
class [[nodiscard("co_yield it")]] Offer {
 public:
  explicit Offer(Item item) : item_(std::move(item)) {}

  Item Take() && { return std::move(item_); }

 private:
  Item item_;
};

namespace internal {

// What a frame does when the consumer closes the generator there.
enum class OnClose : unsigned char { kEnd, kTell };

class AsyncGeneratorPromise : public YieldingPromise, public ReturnSlot<void> {
 public:
  // Of the innermost frame: shows `item` to the consumer, or, when that closes,
  // completes the frame. Answers who goes on.
  Continuation Yield(void* item, OnClose on_close) noexcept;

  // Of the innermost frame, or of one whose inner generator has just ended: the
  // consumer closes. Goes on with the frame, or completes it where it is.
  Continuation EndHere() noexcept;

  void set_on_close(OnClose on_close) noexcept { on_close_ = on_close; }

  bool closing() const noexcept { return Outermost().closing_; }
  // Of the outermost frame.
  void set_closing() noexcept { closing_ = true; }

 private:
  const AsyncGeneratorPromise& Outermost() const noexcept {
    return static_cast<const AsyncGeneratorPromise&>(outermost());
  }

  OnClose on_close_ = OnClose::kEnd;
  bool closing_ = false;  // Of the outermost frame.
};

using AsyncGeneratorFrame = FrameOwner<AsyncGeneratorPromise>;

// The item lives in here, in the frame of the generator, until it goes on.
template <typename T, OnClose kOnClose>
class AsyncYieldAwaiter {
 public:
  AsyncYieldAwaiter(AsyncGeneratorPromise& promise, T item)
      : promise_(promise), item_(std::move(item)) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
    // From here on `*this` may be gone: the consumer may drop the generator.
    return Transfer(promise_.Yield(std::addressof(item_), kOnClose).Resolve());
  }
  auto await_resume() const noexcept {
    if constexpr (kOnClose == OnClose::kTell) return !promise_.closing();
  }

 private:
  AsyncGeneratorPromise& promise_;
  T item_;
};

// The consumer's thread goes to the inner generator, until that completes.
class AsyncDelegation : public Delegation {
 public:
  bool await_ready() const noexcept { return !frame_; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept;

  // Runnable: the inner generator has completed, here or at its end.
  Continuation Run(ThisThread& here) noexcept override;

 protected:
  AsyncDelegation(AsyncGeneratorPromise& outer, AsyncGeneratorFrame inner,
                  OnClose on_close) noexcept
      : Delegation(outer), frame_(std::move(inner)), on_close_(on_close) {}
  ~AsyncDelegation() = default;

  // Throws what escaped from the inner generator.
  void End();
  AsyncGeneratorPromise& outer_promise() const noexcept {
    return static_cast<AsyncGeneratorPromise&>(outer());
  }

 private:
  AsyncGeneratorFrame frame_;
  const OnClose on_close_;
};

template <OnClose kOnClose>
class [[nodiscard("co_yield it")]] AsyncDelegationAwaiter final
    : public AsyncDelegation {
 public:
  AsyncDelegationAwaiter(AsyncGeneratorPromise& outer,
                         AsyncGeneratorFrame inner) noexcept
      : AsyncDelegation(outer, std::move(inner), kOnClose) {}

  auto await_resume() {
    End();
    if constexpr (kOnClose == OnClose::kTell) {
      return !outer_promise().closing();
    }
  }
};

// A consumer waits for its generator.
class AsyncTurn {
 public:
  explicit AsyncTurn(AsyncGeneratorFrame& generator) noexcept
      : generator_(generator) {}
  AsyncTurn(const AsyncTurn&) = delete;
  AsyncTurn& operator=(const AsyncTurn&) = delete;

 protected:
  // Still waiting only in a runtime that has stopped: it has destroyed the
  // generator's frames (frame_owner.h), and the generator must not.
  ~AsyncTurn() {
    if (waiting_) const AsyncGeneratorFrame torn_down = std::move(generator_);
  }

  AsyncGeneratorFrame& generator() const noexcept { return generator_; }
  // Answers whom to resume.
  std::coroutine_handle<> Begin(Continuation consumer) noexcept;
  // The item; null at the end, and then the frame is gone. Throws what escaped.
  void* End();

 private:
  AsyncGeneratorFrame& generator_;
  bool waiting_ = false;
};

class [[nodiscard("co_await it")]] AsyncClose final : public AsyncTurn {
 public:
  using AsyncTurn::AsyncTurn;

  // One that has not begun has nothing to clean up.
  bool await_ready() noexcept;
  std::coroutine_handle<> await_suspend(Continuation consumer) noexcept;
  void await_resume() { End(); }
};

template <typename T>
class [[nodiscard("co_await it")]] AsyncNext final : public AsyncTurn {
 public:
  using AsyncTurn::AsyncTurn;

  bool await_ready() const noexcept { return !generator(); }
  std::coroutine_handle<> await_suspend(Continuation consumer) noexcept {
    return Transfer(Begin(consumer));
  }
  std::optional<T> await_resume() {
    void* const item = End();
    if (item == nullptr) return std::nullopt;
    return std::optional<T>(std::move(*static_cast<T*>(item)));
  }
};

}  // namespace internal

// Owns the coroutine frames of the generator and of all that it delegates to.
// Destroying it destroys them, with no wait: see Close().
//
// Threads: one task at a time asks. It must not be moved while that one waits.
// Borrows: what the generator's function was given by reference.
// Cost:    a frame from the pool; an item costs two jumps at any depth.
template <Yieldable T>
class [[nodiscard("a generator does nothing until it is asked")]]
AsyncGenerator {
 public:
  class promise_type;

  AsyncGenerator(AsyncGenerator&&) noexcept = default;
  AsyncGenerator& operator=(AsyncGenerator&&) = delete;  // Close() may wait.
  ~AsyncGenerator() { Drop(); }

  // The next item; empty when the generator has ended, now and ever after. An
  // exception that escapes from the generator is thrown from the co_await; the
  // generator has ended then.
  //
  // Suspends: as the generator's own code does.
  // Cancel:   seen by the waits of the generator's code, which return CANCELLED
  //           to it; what it makes of that, an item or the end, is given here.
  // Borrows:  the generator.
  internal::AsyncNext<T> Next() noexcept {
    return internal::AsyncNext<T>(frame_);
  }

  // Ends the generator at its co_yield: see the top of this file. Everything of
  // it is gone afterwards. Idempotent. An exception that escapes from its
  // clean-up is thrown from the co_await.
  //
  // Suspends: as the generator's clean-up does.
  // Cancel:   seen by the waits of the clean-up; it shields what must not be
  //           interrupted.
  // Borrows:  the generator.
  internal::AsyncClose Close() noexcept { return internal::AsyncClose(frame_); }

  // Close(), for Using: which closes the generator, shielded, on every way out.
  //
  //     co_await Using(Rows(database), [&](AsyncGenerator<Row>& rows)
  //         -> Task<absl::Status> { ... });
  //
  // Suspends: as Close().
  // Cancel:   as Close().
  // Borrows:  the generator.
  Task<absl::Status> Release() {
    co_await Close();
    co_return absl::OkStatus();
  }

  // For those that run a generator without asking it: a delegation.
  internal::AsyncGeneratorFrame TakeFrame() noexcept {
    return std::move(frame_);
  }

 private:
  explicit AsyncGenerator(
      std::coroutine_handle<internal::AsyncGeneratorPromise> frame) noexcept
      : frame_(frame) {}

  void Drop() noexcept {
    if (!frame_) return;
    internal::DestroyChain(frame_.promise());
    frame_.Forget();
  }

  internal::AsyncGeneratorFrame frame_;
};

template <Yieldable T>
class AsyncGenerator<T>::promise_type : public internal::AsyncGeneratorPromise {
  using OnClose = internal::OnClose;

 public:
  AsyncGenerator get_return_object() noexcept {
    return AsyncGenerator(
        std::coroutine_handle<internal::AsyncGeneratorPromise>::from_promise(
            *this));
  }

  auto yield_value(T item) {
    return internal::AsyncYieldAwaiter<T, OnClose::kEnd>(*this,
                                                         std::move(item));
  }
  template <std::convertible_to<T> Item>
  auto yield_value(Offer<Item> offer) {
    return internal::AsyncYieldAwaiter<T, OnClose::kTell>(
        *this, std::move(offer).Take());
  }
  template <typename Inner>
  auto yield_value(ElementsOf<Inner> elements,
                   std::source_location at = std::source_location::current()) {
    return DelegateTo<OnClose::kEnd>(std::move(elements), at);
  }
  template <typename Inner>
  auto yield_value(Offer<ElementsOf<Inner>> offer,
                   std::source_location at = std::source_location::current()) {
    return DelegateTo<OnClose::kTell>(std::move(offer).Take(), at);
  }

 private:
  template <OnClose kOnClose, typename Inner>
  auto DelegateTo(ElementsOf<Inner> elements, std::source_location at) {
    NotePlace(at);
    return internal::AsyncDelegationAwaiter<kOnClose>(
        *this, AsGenerator(std::move(elements).Take()).TakeFrame());
  }

  static AsyncGenerator AsGenerator(AsyncGenerator generator) noexcept {
    return generator;
  }
  // A range, a synchronous Generator among them, is as good as a generator that
  // yields its elements.
  template <std::ranges::input_range Range>
    requires std::convertible_to<std::ranges::range_reference_t<Range>, T>
  static AsyncGenerator AsGenerator(Range range) {
    for (auto&& element : range) {
      co_yield std::forward<decltype(element)>(element);
    }
  }
};

}  // namespace weft

#endif  // WEFT_RUNTIME_ASYNC_GENERATOR_H_
