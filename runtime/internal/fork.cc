// Starting branches and counting them.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/fork.h"

#include "weft/runtime/internal/worker.h"

namespace weft::internal {

std::coroutine_handle<> Fork::BeginFork(Continuation caller,
                                        int branches) noexcept {
  ThisThread& here = Here();
  count_ = branches;
  for (int i = 0; i < branches; ++i) {
    branch(i).set_home(here.context->home());
  }
  // Cancelled already: the branches run all the same, and find out.
  if (!Begin(caller, branches)) CancelBranches();
  return Transfer(StartNext(/*chained=*/0, here).Resolve(here));
}

Continuation Fork::StartNext(int chained, ThisThread& here) noexcept {
  // Overdue: back to the loop, which polls and serves the queue before us.
  if (here.worker->overdue()) [[unlikely]] {
    if (chained > 0 && CountDown(chained)) return GoOn(here);
    here.context = nullptr;
    here.worker->PushFair(*this);  // From here on others may run branches.
    return {};
  }
  const int index = next_++;
  Branch& first = branch(index);
  first.chained = chained;
  const Continuation child = first.Start(*this, here);
  // Last: from here on a thief may own next_.
  if (index + 1 < count_) here.worker->PushFork(*this);
  return child;
}

Continuation Fork::BranchDone(Branch& branch, ThisThread& here) noexcept {
  OnCompleted(branch);
  const int completed = branch.chained + 1;
  if (completed == count_) return GoOn(here);  // One chain: nobody else counts.
  if (Job* const newest = here.worker->PopFork()) {
    if (newest == this) return StartNext(completed, here);
    here.worker->PutBackFork(*newest);
  }
  return Done(completed, here);
}

void Fork::CancelBranches() noexcept {
  for (int i = 0; i < count_; ++i) branch(i).Cancel();
}

void Fork::TearDownChildren() noexcept {
  for (int i = 0; i < count_; ++i) branch(i).TearDown();
}

}  // namespace weft::internal
