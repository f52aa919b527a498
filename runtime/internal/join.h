// Join: the wait of a parent for scopes that run inside its own frame.
//
//     parent's frame [ Join | Branch 0 | Branch 1 | ... ]
//                              child      child
//
// A Branch is a cancel scope (a TaskContext) with one child coroutine, whose
// continuation it is: when the child completes, the branch moves the result
// out, destroys the child's frame, and tells its join. The last party to finish
// runs the parent, at once, on its own thread.
//
// Every structured wait is built on it: forks (WhenAll, WhenAny), WithTimeout,
// Shield, WithScope.
//
// Invariants
//   1. pending_ counts what must finish before the parent goes on: branches,
//      spawned children, a timer that may be firing.
//   2. The join is its parent's leaf, so cancellation and dumps pass through it
//      to the branches. It is never unlinked: a join is shielded, and ends when
//      its parties have.
//   3. An outsider that looks at the branches holds the parent's leaf, and the
//      parent's wake retracts the leaf first, which waits for that outsider. So
//      no branch goes away under one.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_JOIN_H_
#define WEFT_RUNTIME_INTERNAL_JOIN_H_

#include <atomic>
#include <cstddef>

#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/promise.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"

namespace weft::internal {

class Branch;

class Join : public Leaf {
 public:
  WaitDescription Describe() const noexcept override { return {"join"}; }

  // `branch` has its result, and its child's frame is gone.
  virtual Continuation BranchDone(Branch& branch,
                                  ThisThread& here) noexcept = 0;

 protected:
  ~Join() = default;

  // Before the first party starts. Publishes the join; false if the parent's
  // scope is cancelled already: then the caller cancels the branches.
  [[nodiscard]] bool Begin(Continuation caller, int parties) noexcept {
    Prepare(caller);
    // relaxed: whoever counts down got its party from this thread, through a
    // queue that orders the two.
    pending_.store(parties, std::memory_order_relaxed);
    return PublishJoin();
  }

  // One more party, added by one that has not finished.
  void AddParty() noexcept { pending_.fetch_add(1, std::memory_order_relaxed); }

  // `parties` have finished; true if they were the last.
  [[nodiscard]] bool CountDown(int parties) noexcept {
    // acq_rel: what every party did happens before what the parent does next.
    return pending_.fetch_sub(parties, std::memory_order_acq_rel) == parties;
  }

  // As CountDown, and the thread goes to the parent, or to the next job.
  Continuation Done(int parties, ThisThread& here) noexcept {
    if (CountDown(parties)) return GoOn(here);
    here.context = nullptr;
    return {};
  }

 private:
  std::atomic<int> pending_{0};
};

class Branch : public Runnable, public TaskContext {
 public:
  // The child runs next, in this scope.
  Continuation Start(Join& join, ThisThread& here) noexcept {
    join_ = &join;
    here.context = this;
    PromiseBase& child = frame();
    child.set_continuation(*this);
    return std::coroutine_handle<PromiseBase>::from_promise(child);
  }

  // fork.h: how many branches of the same chain completed before this one.
  int chained = 0;

  // Runnable: the child has completed.
  Continuation Run(ThisThread& here) noexcept final {
    TakeResult();
    return join_->BranchDone(*this, here);
  }
  PromiseBase* awaiting_promise() const noexcept final {
    return join_->awaiting_promise();
  }

  // A stopped runtime: destroys what is suspended in the branch, leaf first.
  void TearDown() noexcept {
    Leaf* const leaf = TakeLeafWhenStopped();
    if (leaf == nullptr) return;  // Not started, or finished.
    leaf->TearDownChildren();
    Unwind(leaf->awaiting_promise(), join_->awaiting_promise());
    ForgetFrame();
  }

 protected:
  ~Branch() = default;

 private:
  virtual PromiseBase& frame() noexcept = 0;
  virtual void TakeResult() noexcept = 0;
  virtual void ForgetFrame() noexcept = 0;

  Join* join_ = nullptr;
};

// The branch of a Task<T>.
template <typename T>
class BranchOf final : public Branch {
 public:
  explicit BranchOf(Task<T> child) noexcept : child_(child.TakeFrame()) {}

  ReturnSlot<T>& result() noexcept { return result_; }

 private:
  PromiseBase& frame() noexcept override { return child_.promise(); }
  void TakeResult() noexcept override {
    result_.MoveFrom(child_.promise());
    child_.Destroy();
  }
  void ForgetFrame() noexcept override { child_.Forget(); }

  typename Task<T>::Frame child_;
  ReturnSlot<T> result_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_JOIN_H_
