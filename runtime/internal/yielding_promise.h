// YieldingPromise: what both kinds of generator are made of, a chain of frames
// that speak to one consumer.
//
//     consumer -> [outermost] -> [ ] -> [ ] -> [innermost]
//                      |                           ^
//                      +--- innermost_ ------------+
//
// `co_yield ElementsOf(inner)` hands the consumer over to another generator,
// which may do the same. Only the innermost frame ever runs. If an item, or the
// request for one, went through every frame between, a recursion of depth d
// would pay d resumptions for each item; so the outermost frame knows the
// innermost one, and the two deal with each other directly.
//
// Invariants
//   1. What is said (the item shown, the state of the conversation) is kept in
//      the outermost frame.
//   2. The innermost frame's outermost_ is right. The ones between may be
//      stale: each is set right when the frame becomes innermost again. So a
//      delegation begins and ends with two stores, whatever the depth, also
//      when the inner generator brings a chain of its own.
//   3. A frame that delegates waits through a Delegation, a step that its inner
//      frame continues with (continuation.h): completion, exceptions, the
//      asynchronous stack and Unwind follow these links in loops, on a flat
//      stack. The outermost frame continues with the consumer where that is a
//      coroutine, and with nobody where it is a plain function.
//
// Rejected: a pointer from each frame to the outermost that is always right, as
// in WG21 P2502 (then a generator that has begun cannot be delegated to, or all
// its frames must be visited).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_YIELDING_PROMISE_H_
#define WEFT_RUNTIME_INTERNAL_YIELDING_PROMISE_H_

#include <coroutine>

#include "weft/runtime/continuation.h"
#include "weft/runtime/promise.h"

namespace weft::internal {

// Threads: confined to the thread that runs the consumer, as any promise.
class YieldingPromise : public PromiseBase {
 public:
  // The consumer's side: of the outermost frame only.

  // It has not begun; it is in a turn; it has returned or thrown.
  bool fresh() const noexcept { return state_ == State::kFresh; }
  bool running() const noexcept { return state_ == State::kRunning; }
  bool ended() const noexcept { return state_ == State::kEnded; }

  // The consumer hands its thread over until the next co_yield or the end;
  // answers whom to resume.
  std::coroutine_handle<> BeginTurn() noexcept;
  // The consumer has its thread back: the item, or null at the end.
  void* EndTurn() noexcept;
  // The item of the last turn. It lies in the frame that yielded it, and lives
  // until the next turn begins.
  void* item() const noexcept { return item_; }

  YieldingPromise& innermost() const noexcept { return *innermost_; }

  // The generator's side: of the innermost frame only.

  YieldingPromise& outermost() const noexcept { return *outermost_; }
  void Show(void* item) noexcept { outermost_->item_ = item; }
  // `inner` speaks from now on; answers whom to resume.
  std::coroutine_handle<> HandOverTo(YieldingPromise& inner) noexcept;

  // Of the frame that delegated: `inner` has completed.
  void TakeBackFrom(YieldingPromise& inner) noexcept;

  std::coroutine_handle<PromiseBase> handle() noexcept {
    return std::coroutine_handle<PromiseBase>::from_promise(*this);
  }

 private:
  enum class State : unsigned char { kFresh, kRunning, kSuspended, kEnded };

  YieldingPromise* outermost_ = this;
  YieldingPromise* innermost_ = this;
  void* item_ = nullptr;
  State state_ = State::kFresh;
};

// How a frame waits for the generator that it delegates to.
class Delegation : public Runnable {
 public:
  // Runnable: the inner generator has completed.
  Continuation Run(ThisThread&) noexcept override;
  PromiseBase* awaiting_promise() const noexcept final { return &outer_; }

 protected:
  explicit Delegation(YieldingPromise& outer) noexcept : outer_(outer) {}
  ~Delegation() = default;

  std::coroutine_handle<> Begin(YieldingPromise& inner) noexcept;

  YieldingPromise& outer() const noexcept { return outer_; }

 private:
  YieldingPromise& outer_;
  YieldingPromise* inner_ = nullptr;
};

// Runs one turn of a synchronous generator: the item, or null at the end.
void* RunTurn(YieldingPromise& outermost);

// Destroys a whole chain that is suspended at a co_yield, has not begun or has
// ended: innermost frame first, in a loop. The owner of the outermost frame
// must Forget() it.
void DestroyChain(YieldingPromise& outermost) noexcept;

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_YIELDING_PROMISE_H_
