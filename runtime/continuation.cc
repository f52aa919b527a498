// Following a chain of steps to the coroutine at its end.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/continuation.h"

#include "weft/runtime/current.h"
#include "weft/runtime/promise.h"

namespace weft {

std::coroutine_handle<> Continuation::RunSteps(
    Continuation next, internal::ThisThread& here) noexcept {
  // A step may destroy itself, so nothing of it is touched after Run.
  while ((next.word_ & kRunnable) != 0) {
    if (next.empty()) return std::noop_coroutine();
    next = next.step().Run(here);
  }
  return next.coroutine();
}

// Mostly a fork's branch that has completed: one step, and a coroutine after
// it.
std::coroutine_handle<> Continuation::RunSteps(Continuation first) noexcept {
  if (first.empty()) [[unlikely]]
    return std::noop_coroutine();
  internal::ThisThread& here = internal::this_thread;
  const Continuation next = first.step().Run(here);
  if ((next.word_ & kRunnable) == 0) [[likely]]
    return next.coroutine();
  return RunSteps(next, here);
}

PromiseBase* Continuation::promise() const noexcept {
  if (empty()) return nullptr;
  if ((word_ & kRunnable) != 0) return step().awaiting_promise();
  return &std::coroutine_handle<PromiseBase>::from_address(
              reinterpret_cast<void*>(word_))
              .promise();
}

}  // namespace weft
