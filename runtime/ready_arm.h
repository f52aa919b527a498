// OnReady: the arm of a Select that a descriptor's readiness chooses.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_READY_ARM_H_
#define WEFT_RUNTIME_READY_ARM_H_

#include <utility>

#include "absl/status/status.h"
#include "weft/reactor/source.h"
#include "weft/reactor/waiter.h"
#include "weft/runtime/callback_arm.h"

namespace weft {
namespace internal {

class ReadyArmBase : public CallbackArm, reactor::Waiter {
 public:
  bool TryNow() noexcept final;
  Parking Park() noexcept final;
  void Unpark() noexcept final;

 protected:
  ReadyArmBase(reactor::Source& source, reactor::Direction direction) noexcept
      : source_(source), direction_(direction) {}
  ~ReadyArmBase() = default;

  // OK: ready. Else why it never will be.
  absl::Status status() const;

 private:
  void OnReady() noexcept final { Called(); }

  reactor::Source& source_;
  const reactor::Direction direction_;
  absl::Status registered_;
};

}  // namespace internal

template <HandlerOf<absl::Status> Handler>
class [[nodiscard("an arm is for a Select")]] ReadyArm final
    : public internal::ReadyArmBase {
 public:
  ReadyArm(reactor::Source& source, reactor::Direction direction,
           Handler handler)
      : ReadyArmBase(source, direction), handler_(std::move(handler)) {}

  void Deliver() override { internal::HandTo(handler_, status()); }

 private:
  Handler handler_;
};

// Chosen when `source` is ready in `direction`, or was since it was last tried:
// a hint, as WaitReady gives, that takes nothing. `handler` is called with OK,
// FAILED_PRECONDITION where its owner has closed it, or what registering the
// descriptor failed with. Borrows: the source's handle.
template <HandlerOf<absl::Status> Handler>
ReadyArm<Handler> OnReady(reactor::Source& source, reactor::Direction direction,
                          Handler handler) {
  return ReadyArm<Handler>(source, direction, std::move(handler));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_READY_ARM_H_
