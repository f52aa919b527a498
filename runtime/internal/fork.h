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
// Invariants
//   1. next_ belongs to whoever holds the rest: pushing and taking it hands
//      next_ over, and the deque orders the two threads.
//   2. A *chain* is a run of branches, each started when the one before it
//      completed and found its rest unstolen. It counts itself with a plain
//      integer that is handed along (chained), and only its end touches
//      pending_: so a fork that nobody stole from, and in which nothing waited,
//      costs no atomic read-modify-write for its join.
//
// A full deque puts the rest into the run queue. (Running the children in turn
// instead would hang when the first waits for the second.)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FORK_H_
#define WEFT_RUNTIME_INTERNAL_FORK_H_

#include <coroutine>

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
  Continuation BranchDone(Branch& branch, ThisThread& here) noexcept final;

 protected:
  ~Fork() = default;

  // From await_suspend; there is at least one branch.
  std::coroutine_handle<> BeginFork(Continuation caller, int branches) noexcept;

  // Any party of the fork.
  void CancelBranches() noexcept;

  virtual Branch& branch(int index) noexcept = 0;
  // `branch` has completed and is not counted yet. On any thread.
  virtual void OnCompleted(Branch&) noexcept {}

 private:
  Continuation StartNext(int chained, ThisThread& here) noexcept;

  int count_ = 0;
  int next_ = 0;  // Invariant 1.
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FORK_H_
