// From a waiting frame to a queue and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/leaf.h"

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {

void Leaf::Prepare(Continuation caller) noexcept {
  Prepare(caller, internal::this_thread);
}

void Leaf::Prepare(Continuation caller, internal::ThisThread& here) noexcept {
  continuation_ = caller;
  context_ = here.context;
  ABSL_RAW_CHECK(context_ != nullptr,
                 "co_await outside of a task: run it with weft::Run, "
                 "weft::Spawn or a weft::testing::Simulator");
}

void Leaf::Schedule() noexcept { context_->scheduler().Schedule(*this); }

void Leaf::ScheduleFairly() noexcept {
  // From here on `*this` may be gone: a thief may run us at once.
  internal::Here().worker->PushFair(*this);
}

Entry EnterOperation() noexcept {
  internal::ThisThread& here = internal::this_thread;
  if (here.context == nullptr) return Entry::kGo;  // Not in a task: no wait.
  if (here.context->cancelled()) [[unlikely]]
    return Entry::kCancelled;
  if (here.worker->SpendBudget() < 0) [[unlikely]]
    return Entry::kQueueFirst;
  return Entry::kGo;
}

Continuation Leaf::GoOn(internal::ThisThread& here) noexcept {
  context_->Retract();
  here.context = context_;
  return continuation_;
}

}  // namespace weft
