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
//      and only then does it learn whose task it is in.
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
struct Inheritance;
}  // namespace internal

class TaskContext {
 public:
  // A task. `home` is the list it was born in: a worker's registry or a scope.
  // It leads to the scheduler.
  explicit TaskContext(internal::TaskList* home) noexcept
      : place_(reinterpret_cast<std::uintptr_t>(home)) {}
  // A scope inside a task: unannounced, and not known yet whose.
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

  // The task that this scope is, or is inside of. Requires, as what follows:
  // it is announced.
  const TaskContext& task() const noexcept {
    return is_inside_a_task()
               ? *reinterpret_cast<const TaskContext*>(place_ & ~kPlaceBits)
               : *this;
  }
  // From here on the scope is announced, if it was not.
  void set_task(const TaskContext& task) noexcept {
    place_ = reinterpret_cast<std::uintptr_t>(&task) | kInsideATask;
  }
  // The task's id, by which dumps name it.
  std::uint64_t task_id() const noexcept;
  internal::TaskList* home() const noexcept { return task().own_home(); }
  internal::Scheduler& scheduler() const noexcept;

  // Invariant 5. Written by the owner only, read by it and by what runs in
  // scopes inside this one, while the owner waits for them.
  bool unannounced() const noexcept { return place_ == 0; }
  // False: it is a branch of a join, announced or not.
  bool is_task() const noexcept {
    return !unannounced() && !is_inside_a_task();
  }

  // What the task has of the TaskLocals of whoever spawned it; null where that
  // had none. Requires: is_task().
  internal::Inheritance* inheritance() const noexcept {
    return (place_ & kInherits) == 0
               ? nullptr
               : reinterpret_cast<internal::Inheritance*>(place_ & ~kPlaceBits);
  }

 protected:
  ~TaskContext() = default;

  // By a task that nobody else looks at: before it starts, and when it has
  // ended. It owns neither.
  void set_home(internal::TaskList& home) noexcept {
    place_ = reinterpret_cast<std::uintptr_t>(&home);
  }
  void set_inheritance(internal::Inheritance& inheritance) noexcept {
    place_ = reinterpret_cast<std::uintptr_t>(&inheritance) | kInherits;
  }

 private:
  // What place_ leads to: a scope's task, or a task's inheritance, which holds
  // its home; with no bit the home itself. One word for all three, since most
  // tasks inherit nothing, and a million that wait are all in it.
  static constexpr std::uintptr_t kInsideATask = 1;
  static constexpr std::uintptr_t kInherits = 2;
  static constexpr std::uintptr_t kPlaceBits = kInsideATask | kInherits;

  bool is_inside_a_task() const noexcept {
    return (place_ & kInsideATask) != 0;
  }
  internal::TaskList* own_home() const noexcept {
    if ((place_ & kInherits) != 0) [[unlikely]]
      return HomeBehindInheritance();
    return reinterpret_cast<internal::TaskList*>(place_);
  }
  internal::TaskList* HomeBehindInheritance() const noexcept;

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
  std::uintptr_t place_ = 0;  // 0 while unannounced.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TASK_CONTEXT_H_
