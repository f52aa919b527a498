// Starting branches, counting them, and making them known.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/fork.h"

#include <utility>

#include "weft/reactor/spin_wait.h"
#include "weft/runtime/internal/worker.h"

namespace weft::internal {

std::coroutine_handle<> Fork::BeginFork(Continuation caller,
                                        Branch& first) noexcept {
  ThisThread& here = this_thread;
  Prepare(caller, here);
  first_ = &first;
  next_ = &first;
  if (here.worker->overdue()) [[unlikely]]
    return Transfer(PutOff(/*chained=*/0, here).Resolve(here));
  first.chained = 0;
  return Transfer(StartNextBranch(here).Resolve(here));
}

Continuation Fork::StartNext(int chained, ThisThread& here) noexcept {
  if (here.worker->overdue()) [[unlikely]]
    return PutOff(chained, here);
  next_->chained = chained;
  return StartNextBranch(here);
}

inline Continuation Fork::StartNextBranch(ThisThread& here) noexcept {
  Branch& branch = *next_;
  const Continuation child = branch.StartUnannounced(*this, here);
  next_ = branch.sibling();
  // Last: from here on a thief may own next_.
  if (next_ != nullptr) here.worker->PushFork(*this);
  return child;
}

// The worker is overdue: back to its loop, behind all that waits for a turn.
Continuation Fork::PutOff(int chained, ThisThread& here) noexcept {
  if (chained > 0 && CountDown(chained)) return GoOnWithParent(here);
  here.context = nullptr;
  here.worker->PutOff(*this);  // From here on others may run branches.
  return {};
}

// The rest was stolen: others count, too.
Continuation Fork::EndChain(int chained, ThisThread& here) noexcept {
  return CountDown(chained) ? GoOnWithParent(here) : Leave(here);
}

void Fork::CancelBranches() noexcept {
  for (Branch* branch = first_; branch != nullptr; branch = branch->sibling()) {
    branch->Cancel();
  }
}

void Fork::TearDownChildren() noexcept {
  for (Branch* branch = first_; branch != nullptr; branch = branch->sibling()) {
    branch->TearDown();
  }
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
  while (top != nullptr) {
    Fork* const fork = std::exchange(top, top->claimed_below_);
    fork->task_ = &fork->FindTask();
    fork->PublishClaimed();
  }
}

// What is above is announced by now, a fork that we are a branch of or a scope.
const TaskContext& Fork::FindTask() const noexcept {
  Fork* const above = UnannouncedForkAbove(context());
  return above == nullptr ? context().task() : above->task();
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
  Fork& fork = ForkOf(scope);
  fork.Announce();
  scope.set_task(fork.task());
}

}  // namespace weft::internal
