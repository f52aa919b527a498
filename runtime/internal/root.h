// Root: the control block of a spawned task, and the first link of its chain.
//
//     JoinHandle --> Root [context | id | state | task, then result | closure]
//                                                 `--> the frame of the Task
//
// A Root is no coroutine. It is the step (a Runnable) that the spawned Task
// continues with when it completes, and the job that starts it; so a spawned
// task costs one block and one frame. It dies when the task has finished *and*
// the handle has let go.
//
// state_ is where the two meet. One word: null, the one joiner, or
//   kFinished  set by the task when its result is in place (with kTornDown:
//              there is none, the runtime stopped first)
//   kReleased  set by the handle when nobody will ask for it
// or, for a moment, a joiner that came too late beside kFinished.
// Whoever sets the second of the two frees the Root. A joiner is taken out of
// the word by a compare-and-swap or an exchange, and whoever took it owns its
// wake (leaf.h).
//
// Rejected: a root coroutine that awaits the task (16 to 40 bytes more for each
// task, for a frame that never does anything).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_ROOT_H_
#define WEFT_RUNTIME_INTERNAL_ROOT_H_

#include <cstddef>
#include <cstdint>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/local_binding.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/recycled.h"
#include "weft/runtime/task_context.h"

namespace weft::internal {

// Somebody who waits for a task to finish: a coroutine or a plain thread.
class Joiner {
 public:
  // Called by the task's last step, which has taken the joiner out of its
  // state, on the thread that `here` describes. Answers who gets that thread;
  // the joiner may be gone when this returns.
  virtual Continuation OnFinished(ThisThread& here) noexcept = 0;

 protected:
  ~Joiner() = default;
};

class Root : public Job, public TaskContext, public TaskLinks, public Recycled {
 public:
  // Borrows `home`, which the task will be born into.
  // Errors: std::bad_alloc, where it inherits something.
  explicit Root(TaskList& home);

  // Puts the task into its home list, which is a registry, and queues it; where
  // the runtime ends, it is cancelled. Any thread.
  void Start() noexcept;

  std::uint64_t id() const noexcept { return id_; }

  // The joiner's side. A task that was torn down has finished without a result.
  bool finished() const noexcept {
    // acquire: pairs with the release in PublishResult; the result is in place.
    return (state_.load(std::memory_order_acquire) & kFinished) != 0;
  }
  bool torn_down() const noexcept {
    // relaxed: asked by a joiner that has seen the task finished.
    return (state_.load(std::memory_order_relaxed) & kTornDown) != 0;
  }
  bool has_result() const noexcept {
    // acquire: as in finished.
    constexpr std::uintptr_t kEnded = kFinished | kTornDown;
    return (state_.load(std::memory_order_acquire) & kEnded) == kFinished;
  }
  // True: `joiner` will be told when the task has finished. False: it has.
  [[nodiscard]] bool SetJoiner(Joiner& joiner) noexcept;
  enum class TakenBack { kYes, kNotSetYet, kTooLate };
  // kYes: the joiner will not be told. kTooLate: the task owns its wake.
  [[nodiscard]] TakenBack TakeJoinerBack(Joiner& joiner) noexcept;
  // Nobody will join. The Root may be gone when this returns.
  void ReleaseHandle() noexcept;
  // As ReleaseHandle, and nobody wants the result either: a task that has not
  // finished is cancelled.
  void DropHandle() noexcept;

  // The runtime has stopped: destroys what is suspended in this task, leaf
  // first. The Root may be gone when this returns.
  void TearDown() noexcept;

  // Job: called once to start the task and once when it has completed; until it
  // has been started, its coroutine has no continuation.
  Continuation Run(ThisThread& here) noexcept final;
  PromiseBase* awaiting_promise() const noexcept final { return nullptr; }

 protected:
  ~Root() { delete inheritance(); }

  // The coroutine of the task.
  virtual PromiseBase& frame() noexcept = 0;
  // Moves the result out of the frame, destroys it, then the closure.
  virtual void TakeResult() noexcept = 0;
  // The frame was destroyed by Unwind.
  virtual void ForgetFrame() noexcept = 0;
  // The task has finished and left its home list: a joinable task publishes its
  // result, a scope's child tells its scope. `*this` may be gone afterwards.
  virtual Continuation Finish(ThisThread& here) noexcept = 0;
  // The last party has let go: deletes the whole object.
  virtual void Free() noexcept = 0;

  // Marks the task finished, then tells the joiner, or frees the Root where the
  // handle has been released. Answers who goes on.
  Continuation PublishResult(ThisThread& here) noexcept {
    return Publish(kFinished, here);
  }
  bool released() const noexcept {
    // relaxed: a hint; ReleaseHandle and PublishResult decide.
    return (state_.load(std::memory_order_relaxed) & kReleased) != 0;
  }

 private:
  static constexpr std::uintptr_t kFinished = 1;
  static constexpr std::uintptr_t kReleased = 2;
  static constexpr std::uintptr_t kTornDown = 4;

  Continuation Publish(std::uintptr_t finished, ThisThread& here) noexcept;
  void ForgetInheritance() noexcept;

  const std::uint64_t id_;
  Atomic<std::uintptr_t> state_{0};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_ROOT_H_
