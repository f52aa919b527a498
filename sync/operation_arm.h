// OperationArm: an arm of a Select that is an operation of sync.
//
// The operation itself, the awaiter that `co_await mutex.Lock()` makes, stands
// in the queue of its primitive; in the place of a coroutine the arm is its
// continuation. It is made anew for each Select, so that the arm can be used
// again in a loop.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_OPERATION_ARM_H_
#define WEFT_SYNC_OPERATION_ARM_H_

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/runtime/selection.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

// An operation that may lose: Waiter says which may.
template <typename O>
concept ArmOperation = std::derived_from<O, Waiter> && O::kMayBeAnArm;

// Makes one, and cannot fail.
template <typename Make>
concept MakesOperation = std::is_nothrow_invocable_v<Make&> &&
                         ArmOperation<std::invoke_result_t<Make&>>;

template <MakesOperation Make, typename Handler>
class [[nodiscard("an arm is for a Select")]] OperationArm final : public Arm {
  using Operation = std::invoke_result_t<Make&>;
  using Result = decltype(std::declval<Operation&>().await_resume());
  static_assert(HandlerOf<Handler, Result>,
                "the handler takes the operation's result, or nothing");

 public:
  OperationArm(Make make, Handler handler)
      : make_(std::move(make)), handler_(std::move(handler)) {}

  bool TryNow() noexcept override {
    return operation_.emplace(Made{make_}).TryAsArm();
  }
  Parking Park() noexcept override {
    return operation_->ParkAsArm(*this, selection());
  }
  void Unpark() noexcept override {
    operation_->LeaveAsArm();
    operation_.reset();
  }
  void GiveBack() noexcept override { operation_->GiveBackAsArm(); }
  void Deliver() override {
    // It is over before the handler hears of it: what it stood in may go.
    Result result = operation_->await_resume();
    operation_.reset();
    weft::internal::HandTo(handler_, std::move(result));
  }

 private:
  // An operation is made where it stays: it does not move.
  struct Made {
    Make& make;
    operator Operation() const noexcept { return make(); }  // NOLINT
  };

  Make make_;
  Handler handler_;
  std::optional<Operation> operation_;
};

template <MakesOperation Make, typename Handler>
OperationArm<Make, Handler> MakeOperationArm(Make make, Handler handler) {
  return OperationArm<Make, Handler>(std::move(make), std::move(handler));
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_OPERATION_ARM_H_
