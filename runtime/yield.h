// Yield: let everybody else run first.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_YIELD_H_
#define WEFT_RUNTIME_YIELD_H_

#include "weft/runtime/leaf.h"

namespace weft {

class [[nodiscard("co_await it")]] YieldAwaiter final : public Leaf {
 public:
  YieldAwaiter() noexcept { MarkAsPlainLeaf(); }

  bool await_ready() const noexcept { return false; }
  // False where nobody else is ready: the caller's next turn begins at once.
  [[gnu::noinline]] bool await_suspend(Continuation caller) noexcept;
  void await_resume() const noexcept {}

  // Leaf. Nothing is published, so there is nothing to retract or to cancel.
  Continuation Run(internal::ThisThread& here) noexcept override {
    return Resume(here);
  }
  void Cancel() noexcept override {}
  WaitDescription Describe() const noexcept override { return {"yield"}; }
};

// Puts the caller at the end of its worker's run queue.
//
// Suspends: until every task that was ready before has had a turn. Not at all
//           when there was none.
// Cancel:   not at all: this is a turn, no wait. Ask IsCancelled().
// Cost:     no allocation; 3 to 6 ns on one worker.
inline YieldAwaiter Yield() noexcept { return YieldAwaiter(); }

}  // namespace weft

#endif  // WEFT_RUNTIME_YIELD_H_
