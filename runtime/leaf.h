// Leaf: the one way to wait.
//
// Everything a task can wait for, a lock, a message, a socket, a timer, another
// task, waits through a Leaf that lives in the awaiter, in the frame of the
// coroutine that waits. A new kind of wait derives from it and does four
// things:
//
//     await_suspend    Prepare(caller), then, inside the critical section of
//                      the structure it waits in: link and Publish()
//     the waker        unlinks it there, then Schedule()s it
//     Cancel()         a canceller asks: unlink, and only if that succeeded
//                      note CANCELLED and Schedule()
//     Describe()       what a dump prints
//
// Unlinking decides: of a waker and a canceller exactly one succeeds, and that
// one schedules. (Where a task waits for several things, in one leaf with many
// arms, a word of its own decides: selection.h.) A schedule never resumes
// inline. (A task that has ended has no more use for its thread, and hands it
// to the join that waited for it.)
//
// The lost-wake-up argument of every wait built like this: before the critical
// section the condition is checked again inside it, so a wake that came earlier
// is seen; one that comes later finds the leaf linked. A canceller that came
// earlier makes Publish fail; one that comes later finds the leaf.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_LEAF_H_
#define WEFT_RUNTIME_LEAF_H_

#include <cstdint>
#include <string_view>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/spin_lock.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/task_context.h"

namespace weft {

// The lock for a structure that leaves wait in: held for a few instructions.
using reactor::SpinLock;

// What a wait looks like from outside, for dumps and deadlock reports.
struct WaitDescription {
  std::string_view kind;           // "mutex", "sleep", "readable"; static text.
  const void* on = nullptr;        // The primitive, where there is one.
  std::uint64_t held_by_task = 0;  // Its holder's id; 0 when none is known.
};

// How an operation begins.
enum class Entry {
  kGo,
  kCancelled,   // The scope is cancelled: the operation must not take effect.
  kQueueFirst,  // The task has completed many operations without waiting: let
                // the others have a turn, then begin again.
};

// The first thing every operation asks, ready or not.
[[gnu::noinline]] Entry EnterOperation() noexcept;

class Leaf : public internal::Job {
 public:
  // Called by a canceller while it holds the leaf: take it out of the structure
  // it waits in; if it was still in there, note the cancellation and
  // Schedule(). Must not block for longer than that structure's lock.
  virtual void Cancel() noexcept = 0;

  // Called by a dump while it holds the leaf.
  virtual WaitDescription Describe() const noexcept = 0;

  // A wait for child scopes destroys what is suspended inside them. Only when
  // the runtime has stopped.
  virtual void TearDownChildren() noexcept {}

  // Requires, as all that follows: Prepare was called.
  TaskContext& context() const noexcept { return *context_; }

  // For a wait that was not published: makes the waiter's scope the thread's
  // current one, and answers who goes on.
  Continuation Resume(internal::ThisThread& here) const noexcept {
    here.context = context_;
    return continuation_;
  }

  // Job. A wake has been delivered: the wait is retracted, and the waiter's
  // scope becomes the thread's current one.
  Continuation Run(internal::ThisThread& here) noexcept override {
    return GoOn(here);
  }
  PromiseBase* awaiting_promise() const noexcept final {
    return continuation_.promise();
  }
  // The runtime has stopped before the wake could be delivered. Who overrides
  // it gives back what the wake would have brought, and calls this one.
  void Abandon() noexcept override;

 protected:
  ~Leaf() = default;

  // First thing in await_suspend, before anything can publish or queue the
  // leaf: notes who goes on, and in which scope; and sees to it that the scope
  // can be found.
  [[gnu::noinline]] void Prepare(Continuation caller) noexcept;
  // Without that: for a leaf that is not published, or a fork, which sees to it
  // when it is.
  void Prepare(Continuation caller, internal::ThisThread& here) noexcept {
    continuation_ = caller;
    context_ = here.context;
    if (context_ == nullptr) [[unlikely]]
      EndOutsideOfATask();
  }

  // In the place of Prepare, where no task waits in this leaf: whoever
  // schedules it runs `step`, on its own thread. A plain thread waits so
  // (`step` wakes it), and an arm of a Selection. Such a leaf is not published:
  // it has no scope that could be cancelled.
  void PrepareForStep(Runnable& step) noexcept {
    continuation_ = step;
    context_ = nullptr;
  }
  // Before it is granted what it waits for: false for an arm of a Selection
  // that has been decided. With the lock of the structure held.
  [[nodiscard]] bool ClaimStep() noexcept {
    return context_ != nullptr || continuation_.Claim();
  }

  // False: the scope is cancelled; do not wait.
  [[nodiscard]] bool Publish() noexcept { return context_->Publish(*this); }
  // As Publish, and published all the same; for a wait for child scopes, which
  // passes the cancellation on to them.
  [[nodiscard]] bool PublishJoin() noexcept {
    return context_->PublishJoin(*this);
  }
  // For a wait that was published and then not begun.
  void Retract() noexcept { context_->Retract(); }

  // Queues the waiter with its own runtime. Any thread; by whoever unlinked the
  // leaf, as the last thing that touches it.
  void Schedule() noexcept;

  // The wait is over: retracts it, makes the waiter's scope the thread's
  // current one, and answers who goes on. For whoever owns the wake and runs
  // the waiter itself instead of scheduling it.
  Continuation GoOn(internal::ThisThread& here) noexcept;

  // Queues the waiter behind what is ready on this worker, as Yield does. For
  // an operation that comes back kQueueFirst.
  void ScheduleFairly() noexcept;

  Continuation continuation() const noexcept { return continuation_; }

 private:
  // Does not return, and so costs its caller no saved registers.
  [[noreturn]] static void EndOutsideOfATask() noexcept;

  // Prepare sets both, and nobody reads them before: set here, every wait of
  // the program would pay for two more stores.
  Continuation continuation_{Continuation::SetLater()};
  TaskContext* context_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_LEAF_H_
