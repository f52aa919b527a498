// Spawned: the typed half of a Root. It keeps the function and the arguments of
// a spawned task alive as long as its coroutine, then its result.
//
//     Root <- ResultRoot<T> <- Spawned<ResultRoot<T>, Closure>
//     Root <- ScopeChild<T> <- Spawned<ScopeChild<T>, Closure>  (scope_join.h)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SPAWNED_H_
#define WEFT_RUNTIME_INTERNAL_SPAWNED_H_

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/runtime/internal/root.h"
#include "weft/runtime/task.h"

namespace weft {

// A function that makes a Task out of copies of these arguments.
template <typename Function, typename... Args>
concept MakesTask = requires {
  typename std::invoke_result_t<std::decay_t<Function>,
                                std::decay_t<Args>...>::promise_type;
};

// A function that makes a Task and is called in place, with `Argument` itself.
template <typename Body, typename Argument>
concept TaskBody =
    requires { typename std::invoke_result_t<Body&, Argument>::promise_type; };

namespace internal {

// Ends the program with the text of an exception that nobody can catch.
[[noreturn]] void EndProgramWith(const std::exception_ptr& escaped) noexcept;

// A function and its arguments, copied or moved in, as std::thread does it. The
// coroutine may refer to them for as long as it runs.
template <typename Function, typename... Args>
class Closure {
  static_assert(((alignof(Function) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) &&
                 ... && (alignof(Args) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__)),
                "a task cannot be given what is aligned to more than operator "
                "new gives: hand it over by std::unique_ptr");

 public:
  template <typename... From>
  explicit Closure(Function function, From&&... args)
      : function_(std::move(function)), args_(std::forward<From>(args)...) {}

  auto Call() { return std::apply(std::move(function_), std::move(args_)); }

 private:
  [[no_unique_address]] Function function_;
  [[no_unique_address]] std::tuple<Args...> args_;
};

// A task that was made already.
template <typename T>
class MadeTask {
 public:
  explicit MadeTask(Task<T> task) noexcept : task_(std::move(task)) {}
  Task<T> Call() noexcept { return std::move(task_); }

 private:
  Task<T> task_;
};

template <typename Function, typename... Args>
auto MakeClosure(Function&& function, Args&&... args) {
  return Closure<std::decay_t<Function>, std::decay_t<Args>...>(
      std::forward<Function>(function), std::forward<Args>(args)...);
}

// Keeps a closure for as long as its coroutine lives, which may be shorter than
// the slot: End() says when. One that has nothing to end is a plain member, and
// one that has no state either takes no room.
template <typename Callable>
class ClosureSlot {
 public:
  explicit ClosureSlot(Callable callable) : callable_(std::move(callable)) {}
  ~ClosureSlot() {}

  auto Call() { return callable_.Call(); }
  void End() noexcept { std::destroy_at(&callable_); }

 private:
  union {
    Callable callable_;
  };
};
template <typename Callable>
  requires std::is_trivially_destructible_v<Callable>
class ClosureSlot<Callable> {
 public:
  explicit ClosureSlot(Callable callable) : callable_(std::move(callable)) {}

  auto Call() { return callable_.Call(); }
  void End() noexcept {}

 private:
  [[no_unique_address]] Callable callable_;
};

// A task that a JoinHandle<T> can join. Its coroutine and what came out of it
// share their place: the second takes it when the first is gone.
template <typename T>
class ResultRoot : public Root {
 public:
  explicit ResultRoot(TaskList& home) : Root(home), frame_() {}

  // Requires: has_result(). Throws what escaped from the task.
  ReturnSlot<T>& result() noexcept { return result_; }

 protected:
  ~ResultRoot() {
    has_result() ? std::destroy_at(&result_) : std::destroy_at(&frame_);
  }

  typename Task<T>::Frame& owned_frame() noexcept { return frame_; }

  void ReceiveAndDestroyFrame() noexcept {
    typename Task<T>::Frame finished = std::move(frame_);
    std::destroy_at(&frame_);
    std::construct_at(&result_);
    result_.MoveFrom(finished.promise());
    finished.Destroy();
  }
  Continuation Finish(ThisThread& here) noexcept final {
    // Without a handle nobody will ever see it.
    if (released()) EndIfEscaped();
    return PublishResult(here);
  }
  void EndUnseen() noexcept {
    if (has_result()) EndIfEscaped();
  }

 private:
  void EndIfEscaped() noexcept {
    if (result_.has_exception()) EndProgramWith(result_.exception());
  }

  union {
    typename Task<T>::Frame frame_;  // Until ReceiveAndDestroyFrame.
    ReturnSlot<T> result_;
  };
};

// The closure lives exactly as long as the coroutine.
template <typename Base, typename Callable>
class Spawned final : public Base {
 public:
  template <typename... BaseArgs>
  explicit Spawned(Callable callable, BaseArgs&&... base_args)
      : Base(std::forward<BaseArgs>(base_args)...),
        closure_(std::move(callable)) {
    try {
      this->owned_frame() = closure_.Call().TakeFrame();
    } catch (...) {
      closure_.End();
      throw;
    }
  }

 private:
  // A task that was torn down before it started has its coroutine still.
  ~Spawned() {
    if (!this->has_result() && this->owned_frame()) DestroyTask();
  }

  PromiseBase& frame() noexcept override {
    return this->owned_frame().promise();
  }
  void TakeResult() noexcept override {
    Base::ReceiveAndDestroyFrame();
    closure_.End();
  }
  void DestroyTask() noexcept {
    this->owned_frame().Destroy();
    closure_.End();
  }
  void ForgetFrame() noexcept override {
    this->owned_frame().Forget();
    closure_.End();
  }
  void Free() noexcept override {
    Base::EndUnseen();
    delete this;
  }

  [[no_unique_address]] ClosureSlot<Callable> closure_;
};

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_INTERNAL_SPAWNED_H_
