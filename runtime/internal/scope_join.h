// ScopeJoin: the wait of a scope for its body and its children.
//
//     parent's frame [ ScopeJoin [errors] | Branch: body ]
//                        ^ list of children: Root, Root, ...
//
// The body is a branch, as in every Join. The children are Roots: spawned tasks
// with a block of their own, whose home list is the scope.
//
// Invariants
//   1. A child is added to pending_ by a party that has not finished, so the
//      count cannot have reached zero.
//   2. cancelled_ and the list of children are read and written under locks: a
//      child that is added while the scope is cancelled either is in the list
//      that the canceller walks, or sees cancelled_.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SCOPE_JOIN_H_
#define WEFT_RUNTIME_INTERNAL_SCOPE_JOIN_H_

#include <coroutine>
#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/internal/branches.h"
#include "weft/runtime/internal/join.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/wait_result.h"

namespace weft::internal {

class ScopeJoin : public Join, public TaskList {
 public:
  // Puts a new child into the scope and queues it.
  void StartChild(Root& child) noexcept;

  // Any party of the scope: ends the others, as an error would. What they say
  // of it is no error.
  void EndParties() noexcept;

  // What a child or the body gave, before it is counted as finished. The first
  // error cancels the others.
  void Record(absl::Status status) noexcept;
  void Record(const std::exception_ptr& escaped) noexcept;

  Continuation ChildDone(ThisThread& here) noexcept { return Done(1, here); }
  Continuation BranchDone(Branch& body, ThisThread& here) noexcept final;

  void Cancel() noexcept final { CancelParties(); }
  WaitDescription Describe() const noexcept final { return {"scope"}; }
  void TearDownChildren() noexcept final;

 protected:
  // Requires: InsideRuntime().
  ScopeJoin() noexcept;
  ~ScopeJoin() = default;

  std::coroutine_handle<> BeginScope(Continuation caller) noexcept;
  // Throws the exception that escaped from a party; else the errors as one.
  absl::Status TakeErrors();

 private:
  // Any party of the scope, or a canceller that holds the join.
  void CancelParties() noexcept;
  // With errors_lock_ held. An error that there is no memory for becomes
  // std::bad_alloc, which the scope throws.
  void KeepLocked(absl::Status error) noexcept;

  virtual Branch& body() noexcept = 0;
  // Records what the body gave.
  virtual void RecordBody() noexcept = 0;

  bool begun_ = false;  // Set before any party runs.
  Atomic<bool> cancelled_{false};
  std::mutex errors_lock_;
  // Guarded by errors_lock_, as all below: whether the scope cancels itself, be
  // it after an error. Its caller may be cancelled too; that is not noted here.
  bool ending_ = false;
  std::vector<absl::Status> errors_;
  std::exception_ptr escaped_;
};

// The wait where the body is a Task<T>.
template <typename T>
class ScopeWait final : public ScopeJoin {
 public:
  void SetBody(Task<T> body) noexcept { body_.emplace(std::move(body)); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginScope(caller);
  }
  WaitResult<T> await_resume() {
    absl::Status errors = TakeErrors();
    if (!errors.ok()) return errors;
    if constexpr (std::is_void_v<T>) {
      return absl::OkStatus();
    } else {
      return *std::move(result_);
    }
  }

 private:
  Branch& body() noexcept override { return *body_; }
  void RecordBody() noexcept override {
    ReturnSlot<T>& slot = body_->result();
    if (slot.has_exception()) return Record(slot.exception());
    if constexpr (!std::is_void_v<T>) {
      result_.emplace(slot.TakeResult());
      if constexpr (std::same_as<T, absl::Status>) Record(*result_);
      if constexpr (kIsStatusOr<T>) Record(result_->status());
    }
  }

  std::optional<BranchOf<T>> body_;
  std::optional<NonVoid<T>> result_;
};

// A child that gives a T: void, Status or StatusOr. Its home is its scope.
template <typename T>
class ScopeChild : public Root {
 public:
  explicit ScopeChild(ScopeJoin& scope) : Root(scope) {
    ReleaseHandle();  // Nobody joins a child; its scope does.
  }

 protected:
  ~ScopeChild() = default;

  typename Task<T>::Frame& owned_frame() noexcept { return frame_; }

  void ReceiveAndDestroyFrame() noexcept {
    ReturnSlot<T>& slot = frame_.promise();
    if (slot.has_exception()) {
      scope().Record(slot.exception());
    } else if constexpr (std::same_as<T, absl::Status>) {
      scope().Record(slot.TakeResult());
    } else if constexpr (kIsStatusOr<T>) {
      scope().Record(slot.TakeResult().status());
    }
    frame_.Destroy();
  }
  Continuation Finish(ThisThread& here) noexcept final {
    ScopeJoin& scope = this->scope();
    // From here on `*this` is gone. Nobody joins it.
    static_cast<void>(PublishResult(here));
    return scope.ChildDone(here);
  }
  void EndUnseen() noexcept {}

 private:
  ScopeJoin& scope() const noexcept { return static_cast<ScopeJoin&>(*home()); }

  typename Task<T>::Frame frame_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_SCOPE_JOIN_H_
