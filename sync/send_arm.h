// SendArm: an arm of a Select that sends, and gives back what it has not sent.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_SEND_ARM_H_
#define WEFT_SYNC_SEND_ARM_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/selection.h"

namespace weft::sync {

// A send keeps the value while it is parked, and else the caller does: an arm
// that is not chosen gives it back.
template <typename Sink, typename T, HandlerOf<absl::Status> Handler>
class [[nodiscard("an arm is for a Select")]] SendArm final : public Arm {
  using Operation = decltype(std::declval<Sink&>().Send(std::declval<T>()));

 public:
  SendArm(Sink& sink, T& value, Handler handler)
      : sink_(sink), value_(value), handler_(std::move(handler)) {}

  bool TryNow() noexcept override {
    operation_.reset();
    sent_ = sink_.TrySend(value_);
    return sent_ || sink_.closed();
  }
  Parking Park() noexcept override {
    const Parking parking =
        operation_.emplace(Made{sink_, value_}).ParkAsArm(*this, selection());
    if (parking == Parking::kDecided) TakeValueBack();
    return parking;
  }
  void Unpark() noexcept override {
    operation_->LeaveAsArm();
    TakeValueBack();
  }
  void Deliver() override { weft::internal::HandTo(handler_, Result()); }

 private:
  struct Made {
    Sink& sink;
    T& value;
    operator Operation() const {  // NOLINT(google-explicit-constructor)
      return sink.Send(std::move(value));
    }
  };

  absl::Status Result() {
    if (operation_.has_value()) {
      absl::Status status = operation_->await_resume();
      TakeValueBack();
      return status;
    }
    if (sent_) return absl::OkStatus();
    return absl::OutOfRangeError("the channel is closed");
  }
  // Where it was not sent.
  void TakeValueBack() noexcept {
    std::optional<T>& kept = operation_->value();
    if (!kept.has_value()) return;
    std::destroy_at(&value_);
    std::construct_at(&value_, *std::move(kept));
    kept.reset();
  }

  Sink& sink_;
  T& value_;
  Handler handler_;
  std::optional<Operation> operation_;  // Empty: it did not have to park.
  bool sent_ = false;
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_SEND_ARM_H_
