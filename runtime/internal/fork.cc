// Starting branches, counting them, and making them known.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/fork.h"

#include <utility>

#include "weft/reactor/spin_wait.h"
#include "weft/runtime/internal/worker.h"

namespace weft::internal {

std::coroutine_handle<> Fork::BeginFork(Continuation caller, Branch& first,
                                        int branches) noexcept {
  ThisThread& here = this_thread;
  Prepare(caller, here);
  ExpectParties(branches);
  count_ = branches;
  if (here.worker->overdue()) [[unlikely]]
    return Transfer(PutOff(/*chained=*/0, here).Resolve(here));
  return Transfer(Start(first, here).Resolve(here));
}

Continuation Fork::StartNext(int chained, ThisThread& here) noexcept {
  if (here.worker->overdue()) [[unlikely]]
    return PutOff(chained, here);
  Branch& next = branch(next_);
  next.chained = chained;
  return Start(next, here);
}

inline Continuation Fork::Start(Branch& next, ThisThread& here) noexcept {
  const Continuation child = next.StartUnannounced(*this, here);
  // Last: from here on a thief may own next_.
  if (++next_ < count_) here.worker->PushFork(*this);
  return child;
}

// The worker is overdue: back to its loop, behind all that waits for a turn.
Continuation Fork::PutOff(int chained, ThisThread& here) noexcept {
  if (chained > 0 && CountDown(chained)) return GoOnWithParent(here);
  here.context = nullptr;
  here.worker->PutOff(*this);  // From here on others may run branches.
  return {};
}

Continuation Fork::BranchDone(Branch& branch, ThisThread& here) noexcept {
  const int completed = branch.chained + 1;
  // One chain: nobody else counts.
  if (completed == count_) return GoOnWithParent(here);
  if (Job* const newest = here.worker->PopFork()) {
    if (newest == this) return StartNext(completed, here);
    here.worker->PutBackFork(*newest);
  }
  return CountDown(completed) ? GoOnWithParent(here) : Leave(here);
}

Continuation Fork::GoOnWithParent(ThisThread& here) noexcept {
  // relaxed: invariant 5; the count, or the chain, orders us.
  if (announced_.load(std::memory_order_relaxed) == Announced::kNo) [[likely]]
    return Resume(here);
  return GoOn(here);
}

void Fork::CancelBranches() noexcept {
  for (int i = 0; i < count_; ++i) branch(i).Cancel();
}

void Fork::TearDownChildren() noexcept {
  for (int i = 0; i < count_; ++i) branch(i).TearDown();
}

// --- Announcing -------------------------------------------------------------

namespace {

// The fork that an unannounced scope is a branch of.
Fork& ForkOf(TaskContext& scope) noexcept {
  return static_cast<Fork&>(static_cast<Branch&>(scope).join());
}

Fork* UnannouncedForkAbove(TaskContext& scope) noexcept {
  return scope.unannounced() ? &ForkOf(scope) : nullptr;
}

}  // namespace

// What is above stands still meanwhile: its owners wait for us.
void Fork::Announce() noexcept {
  Fork* top = nullptr;
  for (Fork* fork = this; fork != nullptr && fork->Claim();
       fork = UnannouncedForkAbove(fork->context())) {
    fork->claimed_below_ = std::exchange(top, fork);
  }
  for (; top != nullptr; top = top->claimed_below_) top->PublishClaimed();
}

bool Fork::Claim() noexcept {
  // acquire, here and below: pairs with the release in PublishClaimed. What the
  // claimer has cancelled, or a canceller that it met, is seen from here on.
  Announced seen = announced_.load(std::memory_order_acquire);
  if (seen == Announced::kNo &&
      announced_.compare_exchange_strong(seen, Announced::kInProgress,
                                         std::memory_order_acquire)) {
    return true;
  }
  reactor::SpinWait spin;
  for (; seen != Announced::kYes;
       seen = announced_.load(std::memory_order_acquire)) {
    spin.Once();
  }
  return false;
}

void Fork::PublishClaimed() noexcept {
  if (!PublishJoin()) CancelBranches();
  // release: pairs with the acquire in Claim.
  announced_.store(Announced::kYes, std::memory_order_release);
}

void Fork::Abandon() noexcept { Announce(); }

void AnnounceForksAbove(TaskContext& scope) noexcept {
  ForkOf(scope).Announce();
  scope.set_announced();
}

}  // namespace weft::internal
