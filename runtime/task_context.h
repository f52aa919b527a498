// TaskContext: one cancel scope, and what is known about the wait inside it.
//
// A spawned task, a branch of a fork, the body of a WithTimeout, a WithScope or
// a Shield has a context of its own; everything it awaits in turn runs in it.
// At most one wait is in progress in a context, its *leaf*:
//
//     root ctx --leaf--> join of a fork --branches--> ctx --leaf--> Mutex::Lock
//                                                `--> ctx (running, no leaf)
//
// Cancellation walks down this tree; the asynchronous stack walks up from a
// leaf through the promises, and crosses into the parent's coroutine by itself
// (Continuation::promise).
//
// The one word of a context holds the leaf and two bits:
//   kCancelled  set once, never cleared: the wait in progress and every later
//               one returns CANCELLED
//   kHeld       an outsider (a canceller, a dump) is looking at the leaf
//
// Invariants
//   1. A wait publishes its leaf inside the critical section of the structure
//      it waits in, and fails if kCancelled is set by then. So a canceller
//      either is seen by the wait, or sees the leaf.
//   2. Whoever unlinks the leaf from that structure, and nobody else, owns the
//      wake. The word does not decide that; the structure's lock does.
//   3. A resumed task retracts its leaf before anything else, and spins while
//      kHeld is set: so the leaf an outsider holds cannot go away.
//   4. An outsider never waits for a task while it holds, and holds downwards
//      only (a parent's leaf before a child's): no cycle.
//   5. A branch of a fork begins *unannounced*: its join is not its parent's
//      leaf yet, and nobody finds the branch from above. Its owner announces it
//      before it waits, and before it asks whether it is cancelled (fork.h);
//      and only then does it learn its home.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TASK_CONTEXT_H_
#define WEFT_RUNTIME_TASK_CONTEXT_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "weft/runtime/atomic.h"

namespace weft {

class Leaf;

namespace internal {
class Scheduler;
class TaskList;
}  // namespace internal

class TaskContext {
 public:
  // `home` is the list the task was born in: a worker's registry or a scope. It
  // leads to the scheduler, and is inherited by the scopes inside the task.
  explicit TaskContext(internal::TaskList* home) noexcept { set_home(home); }
  // A scope inside a task: unannounced, and its home is not known yet.
  TaskContext() noexcept = default;
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  // Any thread. A hint for the owner of the context: it may be set right after;
  // and in an unannounced scope it may be late (invariant 5).
  bool cancelled() const noexcept {
    // relaxed: the bit carries no data, and Publish decides in the end.
    return (word_.load(std::memory_order_relaxed) & kCancelled) != 0;
  }

  // Requests cancellation of this scope and of every scope inside it.
  // Threads: any that keeps the context alive. Idempotent; never blocks.
  void Cancel() noexcept;

  // The wait in progress becomes visible. False if the scope is cancelled, and
  // then nothing was published. Owner only; see invariant 1.
  [[nodiscard]] bool Publish(Leaf& leaf) noexcept;

  // As Publish, for a wait that cancellation does not end but passes through
  // (join.h): published in a cancelled scope, too. False there: nobody else
  // will pass the cancellation on. Owner only.
  [[nodiscard]] bool PublishJoin(Leaf& leaf) noexcept;

  // The wait is over, or was not begun after all. Owner only.
  void Retract() noexcept;

  // Shows the leaf, if there is one, to `look` while it cannot go away.
  // Threads: any that keeps the context alive.
  void Look(absl::FunctionRef<void(Leaf&)> look) noexcept;

  // For a runtime that has stopped. A woken leaf that was still queued notes
  // itself; before its frame is destroyed it is taken out, null when there is
  // none. A handle or a destructor may cancel this scope even afterwards, so it
  // is left cancelled, where nobody looks for a leaf to tell.
  void set_leaf_when_stopped(Leaf& leaf) noexcept;
  Leaf* TakeLeafWhenStopped() noexcept;

  internal::TaskList* home() const noexcept { return home_; }
  // From here on the scope is announced, if it was not.
  void set_home(internal::TaskList* home) noexcept { home_ = home; }
  internal::Scheduler& scheduler() const noexcept;

  // Invariant 5. Written by the owner only, read by it and by what runs in
  // scopes inside this one, while the owner waits for them.
  bool unannounced() const noexcept { return home_ == nullptr; }

 protected:
  ~TaskContext() = default;

 private:
  static constexpr std::uintptr_t kCancelled = 1;
  static constexpr std::uintptr_t kHeld = 2;
  static constexpr std::uintptr_t kBits = kCancelled | kHeld;

  static Leaf* LeafOf(std::uintptr_t word) noexcept {
    return reinterpret_cast<Leaf*>(word & ~kBits);
  }
  // Sets kHeld, and `also`, once nobody else holds. Returns the leaf; null (and
  // nothing held) when there is none.
  Leaf* Hold(std::uintptr_t also) noexcept;
  void Release() noexcept;
  // Spins until nobody holds; `word` is what was read last.
  void WaitWhileHeld(std::uintptr_t word) noexcept;

  Atomic<std::uintptr_t> word_{0};
  internal::TaskList* home_ = nullptr;  // Null while unannounced.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TASK_CONTEXT_H_
