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
//      to the branches; a fork becomes so when one of its branches waits
//      (fork.h). It is never unlinked: a join is shielded, and ends when its
//      parties have.
//   3. An outsider that looks at the branches holds the parent's leaf, and the
//      parent's wake retracts the leaf first, which waits for that outsider. So
//      no branch goes away under one.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_JOIN_H_
#define WEFT_RUNTIME_INTERNAL_JOIN_H_

#include <concepts>
#include <cstddef>

#include "weft/runtime/atomic.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/local_binding.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/promise.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"

namespace weft::internal {

class Branch;

class Join : public Leaf {
 public:
  WaitDescription Describe() const noexcept override { return {"join"}; }

  // The TaskLocals that are bound inside it, with those outside; null where it
  // binds none.
  virtual const LocalBindings* locals() const noexcept { return nullptr; }

  // `branch` has its result, and its child's frame is gone.
  virtual Continuation BranchDone(Branch& branch,
                                  ThisThread& here) noexcept = 0;

 protected:
  ~Join() = default;

  Join() noexcept = default;
  // For a join that knows its parties before the first one starts.
  explicit Join(int parties) noexcept : pending_(parties) {}

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
    return CountDown(parties) ? GoOn(here) : Leave(here);
  }

  // The thread goes to the next job.
  static Continuation Leave(ThisThread& here) noexcept {
    here.context = nullptr;
    return {};
  }

 private:
  Atomic<int> pending_{0};
};

class Branch : public Runnable, public TaskContext {
 public:
  // The child runs next, in this scope. Requires: the join was published.
  Continuation Start(Join& join, ThisThread& here) noexcept {
    set_task(join.context().task());
    return StartUnannounced(join, here);
  }
  // As above, for a fork that may not be announced yet.
  Continuation StartUnannounced(Join& join, ThisThread& here) noexcept {
    join_ = &join;
    here.context = this;
    child_.promise().set_continuation(*this);
    return child_.handle();
  }

  // fork.h: how many branches of the same chain completed before this one. Not
  // read before the fork sets it.
  int chained;

  // The next branch of the same join; null at the last.
  Branch* sibling() const noexcept { return sibling_; }
  void set_sibling(Branch& next) noexcept { sibling_ = &next; }

  Join& join() const noexcept { return *join_; }

  PromiseBase* awaiting_promise() const noexcept final {
    return join_->awaiting_promise();
  }

  // A stopped runtime: destroys what is suspended in the branch, leaf first.
  void TearDown() noexcept {
    Leaf* const leaf = TakeLeafWhenStopped();
    if (leaf == nullptr) return;  // Not started, or finished.
    leaf->TearDownChildren();
    Unwind(leaf->awaiting_promise(), join_->awaiting_promise());
    child_.Forget();
  }

 protected:
  explicit Branch(FrameOwner<PromiseBase> child) noexcept
      : child_(std::move(child)) {}
  ~Branch() = default;

  FrameOwner<PromiseBase>& child() noexcept { return child_; }

 private:
  Branch* sibling_ = nullptr;
  // Set when the child starts, and not looked at before.
  Join* join_;
  FrameOwner<PromiseBase> child_;
};

// The branch of a Task<T>, and of a join of this type: where it is known which
// BranchDone is meant, the call is direct.
template <typename T, std::derived_from<Join> JoinOfBranch = Join>
class BranchOf final : public Branch {
 public:
  explicit BranchOf(Task<T> child) noexcept : Branch(child.TakeFrame()) {}

  ReturnSlot<T>& result() noexcept { return result_; }

  // Runnable: the child has completed.
  Continuation Run(ThisThread& here) noexcept override {
    result_.MoveFrom(
        static_cast<typename Task<T>::promise_type&>(child().promise()));
    child().Destroy();
    return static_cast<JoinOfBranch&>(join()).BranchDone(*this, here);
  }

 private:
  ReturnSlot<T> result_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_JOIN_H_
