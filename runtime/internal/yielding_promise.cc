// Turns, and handing the consumer over and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/yielding_promise.h"

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/stack_guard.h"

namespace weft::internal {

std::coroutine_handle<> YieldingPromise::BeginTurn() noexcept {
  ABSL_RAW_CHECK(state_ != State::kRunning,
                 "a generator is asked for an item while it is still making "
                 "one: it cannot ask itself, and has one consumer at a time");
  state_ = State::kRunning;
  item_ = nullptr;
  return innermost_->handle();
}

void* YieldingPromise::EndTurn() noexcept {
  state_ = item_ != nullptr ? State::kSuspended : State::kEnded;
  return item_;
}

std::coroutine_handle<> YieldingPromise::HandOverTo(
    YieldingPromise& inner) noexcept {
  ABSL_RAW_CHECK(inner.state_ != State::kRunning,
                 "ElementsOf() a generator that is still making an item");
  outermost_->innermost_ = inner.innermost_;
  inner.innermost_->outermost_ = outermost_;
  return inner.innermost_->handle();
}

void YieldingPromise::TakeBackFrom(YieldingPromise& inner) noexcept {
  outermost_ = inner.outermost_;
  outermost_->innermost_ = this;
}

std::coroutine_handle<> Delegation::Begin(YieldingPromise& inner) noexcept {
  inner_ = &inner;
  inner.set_continuation(*this);
  return outer_.HandOverTo(inner);
}

Continuation Delegation::Run(ThisThread&) noexcept {
  outer_.TakeBackFrom(*inner_);
  return outer_.handle();
}

void* RunTurn(YieldingPromise& outermost) {
  Resume(Here(), outermost.BeginTurn());
  return outermost.EndTurn();
}

void DestroyChain(YieldingPromise& outermost) noexcept {
  ABSL_RAW_CHECK(!outermost.running(),
                 "a generator is destroyed while it is making an item: let "
                 "Next() return first");
  // Of an asynchronous one: the consumer that asked last may be gone.
  outermost.set_continuation({});
  Unwind(&outermost.innermost(), nullptr);
}

}  // namespace weft::internal
