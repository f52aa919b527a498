// From a waiting frame to a queue and back.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/leaf.h"

#include <cstdlib>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/fork.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {

void Leaf::Prepare(Continuation caller) noexcept {
  internal::ThisThread& here = internal::this_thread;
  Prepare(caller, here);
  internal::AnnounceForks(*here.context);
}

void Leaf::Abandon() noexcept {
  internal::AnnounceForks(*context_);
  context_->set_leaf_when_stopped(*this);
}

void Leaf::EndOutsideOfATask() noexcept {
  ABSL_RAW_LOG(FATAL,
               "co_await outside of a task: run it with weft::Run, "
               "weft::Spawn or a weft::testing::Simulator");
  std::abort();
}

void Leaf::Schedule() noexcept {
  if (context_ == nullptr) [[unlikely]] {
    // No task waits in it. From here on `*this` may be gone.
    static_cast<void>(continuation_.Resolve());
    return;
  }
  context_->scheduler().Schedule(*this);
}

void Leaf::ScheduleFairly() noexcept {
  // From here on `*this` may be gone: a thief may run us at once.
  internal::Here().worker->PushFair(*this);
}

namespace {

Entry Spend(const internal::ThisThread& here) noexcept {
  return here.worker->SpendBudget() < 0 ? Entry::kQueueFirst : Entry::kGo;
}

// Apart, so that EnterOperation itself saves no registers.
[[gnu::noinline]] Entry EnterSlowly(internal::ThisThread& here) noexcept {
  if (here.context == nullptr) return Entry::kGo;  // Not in a task: no wait.
  internal::AnnounceForks(*here.context);
  if (here.context->cancelled()) return Entry::kCancelled;
  return Spend(here);
}

}  // namespace

Entry EnterOperation() noexcept {
  internal::ThisThread& here = internal::this_thread;
  const TaskContext* const context = here.context;
  if (context == nullptr || context->unannounced() || context->cancelled())
      [[unlikely]] {
    return EnterSlowly(here);
  }
  return Spend(here);
}

Continuation Leaf::GoOn(internal::ThisThread& here) noexcept {
  context_->Retract();
  return Resume(here);
}

}  // namespace weft
