// TaskLocal<T>: a value that a task, and all that it starts, can see.
//
//     inline constinit TaskLocal<RequestId> request_id;
//
//     co_await request_id.With(id, Serve(request));   // And in Serve, however
//     ...                                             // deep, or in a child:
//     if (const RequestId* id = request_id.Get()) Log(*id);
//
// What a thread-local is to threads, where tasks change threads at every
// co_await. For what belongs to the whole of a request and is not anybody's
// argument: its id, its trace, its deadline's reason. After the ContextVar of
// PEP 567, but bound for the time of a call, as Scheme's parameterize (SRFI 39)
// does: nobody can forget to take it back.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TASK_LOCAL_H_
#define WEFT_RUNTIME_TASK_LOCAL_H_

#include <coroutine>
#include <memory>
#include <utility>

#include "weft/runtime/internal/local_binding.h"
#include "weft/runtime/internal/single_join.h"
#include "weft/runtime/task.h"

namespace weft {

// Runs a task in a scope of its own, in which one more value is bound.
template <typename U>
class [[nodiscard("co_await it")]] WithLocalAwaiter final
    : public internal::SingleJoin<U> {
 public:
  WithLocalAwaiter(internal::LocalBindings bindings, Task<U> child) noexcept
      : internal::SingleJoin<U>(std::move(child)),
        bindings_(std::move(bindings)) {}

  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    internal::ThisThread& here = internal::Here();
    if (!this->Begin(caller, /*parties=*/1)) this->branch_.Cancel();
    return this->StartChild(here);
  }
  U await_resume() { return this->branch_.result().TakeResult(); }

  void Cancel() noexcept override { this->branch_.Cancel(); }
  const internal::LocalBindings* locals() const noexcept override {
    return &bindings_;
  }
  Continuation BranchDone(internal::Branch&,
                          internal::ThisThread& here) noexcept override {
    return this->GoOn(here);
  }

 private:
  const internal::LocalBindings bindings_;
};

// A key, usually a constant of the program.
// Requires: it outlives every task that sees a value of it. Another one in the
// same place would be taken for it.
template <typename T>
class TaskLocal {
 public:
  constexpr TaskLocal() noexcept = default;
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  // The value that is bound where the caller runs; null where none is, and on a
  // thread that runs no task (inside Blocking, for one: pass what it needs).
  // Valid until the task that is running ends, or the With that bound it.
  //
  // Threads: any. Others may read the same value: make T safe for that, or
  //          const.
  // Cost:    a walk up the scopes of the task and what is bound there.
  const T* Get() const noexcept {
    const internal::LocalValue* const found = internal::FindLocal(this);
    return found == nullptr ? nullptr
                            : &static_cast<const Value*>(found)->value;
  }

  // Runs `task` with `value` bound, and gives what it gives. Tasks that are
  // spawned inside see it too, for as long as they live, and so do the branches
  // of forks; those who are outside, or beside it, do not.
  //
  // Suspends: until the task has completed.
  // Cancel:   passed on to the task.
  // Owns:     the value, with the tasks that were spawned inside: it dies with
  //           the last of them.
  // Errors:   std::bad_alloc, from the call, and from a Spawn inside.
  // Cost:     two allocations; a block from the frame pool for each task that
  //           is spawned inside.
  template <typename U>
  WithLocalAwaiter<U> With(T value, Task<U> task) const {
    return WithLocalAwaiter<U>(
        internal::BindLocal(std::make_shared<Value>(this, std::move(value))),
        std::move(task));
  }

 private:
  struct Value final : internal::LocalValue {
    Value(const TaskLocal* key, T bound)
        : LocalValue(key), value(std::move(bound)) {}

    const T value;
  };
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TASK_LOCAL_H_
