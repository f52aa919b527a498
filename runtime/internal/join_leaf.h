// JoinLeaf: a task waits for another one to finish.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_JOIN_LEAF_H_
#define WEFT_RUNTIME_INTERNAL_JOIN_LEAF_H_

#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/leaf.h"

namespace weft::internal {

// The structure waited in is the one word of the Root. It has no lock, so the
// leaf is published just before it is put there; a canceller that looks in
// between finds the word empty and waits for those few instructions.
class JoinLeaf : public Leaf, protected Joiner {
 public:
  explicit JoinLeaf(Root& task) noexcept : task_(task) {}
  JoinLeaf(const JoinLeaf&) = delete;

  bool await_ready() noexcept;
  bool await_suspend(Continuation caller) noexcept;

  void Cancel() noexcept final;
  WaitDescription Describe() const noexcept final {
    return {.kind = "join", .on = &task_, .held_by_task = task_.id()};
  }

 protected:
  // Still waiting only in the frame of a runtime that has stopped.
  ~JoinLeaf() {
    if (waiting_) [[unlikely]]
      static_cast<void>(task_.TakeJoinerBack(*this));
  }

  // OK: the task has a result. Else why there is none.
  absl::Status EndWait() noexcept {
    waiting_ = false;
    if (status_.ok() && task_.torn_down()) [[unlikely]]
      return CancelledError();
    return std::move(status_);
  }
  Root& task() const noexcept { return task_; }

 private:
  Continuation OnFinished(ThisThread& here) noexcept final;

  Root& task_;
  bool waiting_ = false;
  bool queue_first_ = false;
  absl::Status status_;
};

// A plain thread waits for `task`. False: it was torn down, without a result.
bool BlockUntilFinished(Root& task);

// Where a task spawned by the calling worker is born.
TaskList& HomeForCaller() noexcept;

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_JOIN_LEAF_H_
