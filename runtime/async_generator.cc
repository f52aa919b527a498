// Who goes on when an asynchronous generator yields, is asked or is closed.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/async_generator.h"

#include <coroutine>
#include <utility>

namespace weft::internal {

Continuation AsyncGeneratorPromise::Yield(void* item,
                                          OnClose on_close) noexcept {
  // The consumer wants no more: complete here.
  if (closing()) [[unlikely]]
    return continuation();
  on_close_ = on_close;
  Show(item);
  return outermost().continuation();
}

Continuation AsyncGeneratorPromise::EndHere() noexcept {
  if (on_close_ == OnClose::kTell) return handle();
  return continuation();
}

std::coroutine_handle<> AsyncDelegation::await_suspend(
    std::coroutine_handle<>) noexcept {
  outer_promise().set_on_close(on_close_);
  return Transfer(Begin(frame_.promise()));
}

Continuation AsyncDelegation::Run(ThisThread& here) noexcept {
  const Continuation outer = Delegation::Run(here);
  // An exception goes on through the outer frame also while it is closed.
  if (!outer_promise().closing() || frame_.promise().has_exception()) {
    return outer;
  }
  frame_.Destroy();
  return outer_promise().EndHere();
}

void AsyncDelegation::End() {
  if (!frame_) return;  // It had ended before, or was closed.
  const AsyncGeneratorFrame finished = std::move(frame_);
  finished.promise().TakeResult();
}

std::coroutine_handle<> AsyncTurn::Begin(Continuation consumer) noexcept {
  AsyncGeneratorPromise& outermost = generator_.promise();
  const std::coroutine_handle<> next = outermost.BeginTurn();
  outermost.set_continuation(consumer);
  waiting_ = true;
  return next;
}

void* AsyncTurn::End() {
  waiting_ = false;
  if (!generator_) return nullptr;  // It had ended before.
  if (void* const item = generator_.promise().EndTurn()) return item;
  const AsyncGeneratorFrame finished = std::move(generator_);
  finished.promise().TakeResult();
  return nullptr;
}

bool AsyncClose::await_ready() noexcept {
  if (!generator()) return true;
  if (!generator().promise().fresh()) return false;
  const AsyncGeneratorFrame never_began = std::move(generator());
  return true;
}

std::coroutine_handle<> AsyncClose::await_suspend(
    Continuation consumer) noexcept {
  static_cast<void>(Begin(consumer));
  AsyncGeneratorPromise& outermost = generator().promise();
  outermost.set_closing();
  auto& innermost = static_cast<AsyncGeneratorPromise&>(outermost.innermost());
  return Transfer(innermost.EndHere().Resolve());
}

}  // namespace weft::internal
