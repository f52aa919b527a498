// From a waiting frame to a queue and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/leaf.h"

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {

void Leaf::Prepare(Continuation caller) noexcept {
  continuation_ = caller;
  context_ = internal::Here().context;
  ABSL_RAW_CHECK(context_ != nullptr,
                 "co_await outside of a task: run it with weft::Run, "
                 "weft::Spawn or a weft::testing::Simulator");
}

void Leaf::Schedule() noexcept { context_->scheduler().Schedule(*this); }

Continuation Leaf::GoOn(internal::ThisThread& here) noexcept {
  context_->Retract();
  here.context = context_;
  return continuation_;
}

}  // namespace weft
