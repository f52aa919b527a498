// Spawned: the typed half of a Root. It keeps the function and the arguments of
// a spawned task alive as long as its coroutine, then its result.
//
//     Root <- ResultRoot<T> <- Spawned<ResultRoot<T>, Closure>
//     Root <- ScopeChild<T> <- Spawned<ScopeChild<T>, Closure>     (scope.h)
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

// A task that a JoinHandle<T> can join.
template <typename T>
class ResultRoot : public Root {
 public:
  using Root::Root;

  // After it has finished, and not for one that was torn down. Throws what
  // escaped from the task.
  ReturnSlot<T>& result() noexcept { return result_; }

 protected:
  ~ResultRoot() = default;

  // Takes the result out of `frame`.
  void Receive(typename Task<T>::Frame& frame) noexcept {
    result_.MoveFrom(frame.promise());
  }
  Continuation Finish(ThisThread&) noexcept final {
    // Without a handle nobody will ever see it.
    if (released()) EndIfEscaped();
    PublishResult();
    return {};
  }
  void EndIfEscaped() noexcept {
    if (result_.has_exception()) EndProgramWith(result_.exception());
  }

 private:
  ReturnSlot<T> result_;
};

// The closure lives exactly as long as the frame: frame_ says whether it does.
template <typename Base, typename T, typename Callable>
class Spawned final : public Base {
 public:
  template <typename... BaseArgs>
  explicit Spawned(Callable callable, BaseArgs&&... base_args)
      : Base(std::forward<BaseArgs>(base_args)...),
        callable_(std::move(callable)) {
    frame_ = callable_.Call().TakeFrame();
  }

 private:
  ~Spawned() {
    if (frame_) DestroyTask();
  }

  PromiseBase& frame() noexcept override { return frame_.promise(); }
  void TakeResult() noexcept override {
    Base::Receive(frame_);
    DestroyTask();
  }
  void DestroyTask() noexcept {
    frame_.Destroy();
    std::destroy_at(&callable_);
  }
  void ForgetFrame() noexcept override {
    frame_.Forget();
    std::destroy_at(&callable_);
  }
  void Free() noexcept override {
    Base::EndIfEscaped();
    delete this;
  }

  union {
    [[no_unique_address]] Callable callable_;
  };
  typename Task<T>::Frame frame_;
};

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_INTERNAL_SPAWNED_H_
