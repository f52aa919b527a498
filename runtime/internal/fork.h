// Fork: runs several branches and waits for all of them. WhenAll and WhenAny
// are made of it.
//
//     co_await WhenAll(A(), B(), C())
//
//     this worker   runs A at once, by transfer; on its deque lies
//                   [rest: B, C]
//     A completes   pop. Our own rest on top? Nobody stole: run B, push
//                   [rest: C]
//     a thief       takes the rest, runs B, leaves [rest: C] to be stolen again
//
// The rest of a fork is one job, whatever the number of branches, and it lives
// in the parent's frame. After Frigo, Leiserson and Randall, "The
// Implementation of the Cilk-5 Multithreaded Language", PLDI 1998: work first,
// and what a steal costs is paid by the thief.
//
// The branches are a list in the order of the arguments, so that the next one
// is found without asking the awaiter what it holds.
//
// Invariants
//   1. next_ belongs to whoever holds the rest: pushing and taking it hands
//      next_ over, and the deque orders the two threads.
//   2. A *chain* is a run of branches, each started when the one before it
//      completed and found its rest unstolen. It counts itself with a plain
//      integer that is handed along (chained), and only its end touches
//      pending_: so a fork that nobody stole from, and in which nothing waited,
//      costs no atomic read-modify-write for its join.
//   3. A fork begins *unannounced*: it is not yet its parent's leaf, and nobody
//      needs to find its branches, since none of them waits; that saves two
//      atomic operations for each fork (docs/performance.md). The first branch
//      that waits, or asks whether it is cancelled, announces it first, and
//      every fork above it that is unannounced. Then a canceller either
//      finds the way down from the task to every wait, or has come before, and
//      the announcer passes the cancellation on (PublishJoin).
//   4. Forks are claimed upwards and published downwards, each when all above
//      it are: so a fork that is announced can be found, and what is cancelled
//      on the way down has no leaves yet, however deep it is. Two branches may
//      announce at once. One claims the fork, the other waits until it is
//      announced, so that a cancellation that it ought to see is not missed
//      because the first was interrupted. Whoever claims waits for forks above
//      only: no cycle.
//   5. The fork is retracted by whoever goes on with the parent, which sees
//      whether it was announced: an announcer is a party, and counts itself
//      afterwards.
//
// A full deque puts the rest into the run queue. (Running the children in turn
// instead would hang when the first waits for the second.)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FORK_H_
#define WEFT_RUNTIME_INTERNAL_FORK_H_

#include <coroutine>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/fork_deque.h"
#include "weft/runtime/internal/join.h"

namespace weft::internal {

class Fork : public Join {
 public:
  // Job: the rest was taken from a queue; its next branch runs here.
  Continuation Run(ThisThread& here) noexcept final {
    return StartNext(/*chained=*/0, here);
  }

  void Cancel() noexcept final { CancelBranches(); }
  void TearDownChildren() noexcept final;
  // The rest was still queued when the runtime stopped.
  void Abandon() noexcept final;

  // Any party: makes this fork, and those above, findable. Invariant 4.
  void Announce() noexcept;
  // Whose task it is in. Requires: it is announced.
  const TaskContext& task() const noexcept { return *task_; }

 protected:
  explicit Fork(int branches) noexcept : Join(branches), count_(branches) {}
  ~Fork() = default;

  // From await_suspend. `first` leads to the other branches.
  [[gnu::noinline]] std::coroutine_handle<> BeginFork(Continuation caller,
                                                      Branch& first) noexcept;

  // The part of BranchDone that every fork has.
  [[gnu::always_inline]] Continuation Count(Branch& completed,
                                            ThisThread& here) noexcept {
    const int chained = completed.chained + 1;
    // One chain: nobody else counts.
    if (chained == count_) return GoOnWithParent(here);
    if (here.forks->PopIf(*this)) return StartNext(chained, here);
    return EndChain(chained, here);
  }

  // Any party of the fork. The first of the list.
  Branch* first() const noexcept { return first_; }
  void CancelBranches() noexcept;

 private:
  enum class Announced : unsigned char { kNo, kInProgress, kYes };

  Continuation StartNext(int chained, ThisThread& here) noexcept;
  Continuation StartNextBranch(ThisThread& here) noexcept;
  Continuation PutOff(int chained, ThisThread& here) noexcept;
  Continuation EndChain(int chained, ThisThread& here) noexcept;
  Continuation GoOnWithParent(ThisThread& here) noexcept {
    // relaxed: invariant 5; the count, or the chain, orders us.
    if (announced_.load(std::memory_order_relaxed) == Announced::kNo) [[likely]]
      return Resume(here);
    return GoOn(here);
  }
  // True: the caller announces the fork. False: it is announced.
  [[nodiscard]] bool Claim() noexcept;
  const TaskContext& FindTask() const noexcept;
  void PublishClaimed() noexcept;

  // Written by the party that claims, read by all of them.
  Atomic<Announced> announced_{Announced::kNo};
  const int count_;
  Branch* first_;  // Set by BeginFork.
  Branch* next_;   // Invariant 1. Null when all have started.
  union {
    Fork* claimed_below_;      // The claimer's way back down; and then
    const TaskContext* task_;  // where that has led it from.
  };
};

// Invariant 3. By the owner of `scope`, before it waits in it.
[[gnu::noinline]] void AnnounceForksAbove(TaskContext& scope) noexcept;
inline void AnnounceForks(TaskContext& scope) noexcept {
  if (scope.unannounced()) [[unlikely]]
    AnnounceForksAbove(scope);
}

// The task that a scope is in, announced or not. By the owner of `scope`.
inline const TaskContext& TaskAround(const TaskContext& scope) noexcept {
  const TaskContext* each = &scope;
  // What is above stands still: its owners wait for us.
  while (each->unannounced()) {
    each = &static_cast<const Branch*>(each)->join().context();
  }
  return each->task();
}

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FORK_H_
