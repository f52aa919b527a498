// OnJoin: the arm of a Select that a task's end chooses.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_JOIN_ARM_H_
#define WEFT_RUNTIME_JOIN_ARM_H_

#include <utility>

#include "weft/runtime/callback_arm.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/wait_result.h"

namespace weft {
namespace internal {

class JoinArmBase : public CallbackArm, Joiner {
 public:
  bool TryNow() noexcept final { return task_.finished(); }
  Parking Park() noexcept final;
  void Unpark() noexcept final;

 protected:
  explicit JoinArmBase(Root& task) noexcept : task_(task) {}
  ~JoinArmBase() = default;

  Root& task() const noexcept { return task_; }

 private:
  Continuation OnFinished(ThisThread&) noexcept final {
    Called();
    return {};
  }

  Root& task_;
};

}  // namespace internal

template <typename T, HandlerOf<WaitResult<T>> Handler>
class [[nodiscard("an arm is for a Select")]] JoinArm final
    : public internal::JoinArmBase {
 public:
  JoinArm(internal::ResultRoot<T>& task, Handler handler)
      : JoinArmBase(task), handler_(std::move(handler)) {}

  void Deliver() override { internal::HandTo(handler_, Result()); }

 private:
  WaitResult<T> Result() {
    if (task().torn_down()) [[unlikely]]
      return CancelledError();
    auto& finished = static_cast<internal::ResultRoot<T>&>(task());
    return internal::TakeWaitResult(finished.result());
  }

  Handler handler_;
};

// Chosen when the task of `handle` has finished; `handler` is called with what
// Join would give, and an exception of the task is thrown from the co_await. An
// arm that was not chosen has not joined. Borrows: the handle.
template <typename T, HandlerOf<WaitResult<T>> Handler>
JoinArm<T, Handler> OnJoin(JoinHandle<T>& handle, Handler handler) {
  return JoinArm<T, Handler>(handle.task(), std::move(handler));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_JOIN_ARM_H_
