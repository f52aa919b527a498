// Shield: clean-up that cancellation must not interrupt.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SHIELD_H_
#define WEFT_RUNTIME_SHIELD_H_

#include <coroutine>
#include <utility>

#include "weft/runtime/internal/single_join.h"
#include "weft/runtime/task.h"

namespace weft {

template <typename T>
class [[nodiscard("co_await it")]] ShieldAwaiter final
    : public internal::SingleJoin<T> {
 public:
  using internal::SingleJoin<T>::SingleJoin;

  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    internal::ThisThread& here = internal::Here();
    // Cancelled already, or later: the child does not learn of it.
    static_cast<void>(this->Begin(caller, /*parties=*/1));
    return this->StartChild(here);
  }
  T await_resume() { return this->branch_.result().TakeResult(); }

  void Cancel() noexcept override {}
  Continuation BranchDone(internal::Branch&,
                          internal::ThisThread& here) noexcept override {
    return this->GoOn(here);
  }
};

// Runs `task` in a scope that no cancellation from outside reaches. Waits after
// the Shield return CANCELLED again.
//
//     absl::Status done = co_await Shield(Rollback(connection));
//
// Suspends: until the task has completed.
// Cancel:   ignored until then. Bound what you shield: WithTimeout inside it.
// Cost:     no allocation.
template <typename T>
ShieldAwaiter<T> Shield(Task<T> task) noexcept {
  return ShieldAwaiter<T>(std::move(task));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_SHIELD_H_
