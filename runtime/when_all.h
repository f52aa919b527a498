// WhenAll: run several tasks at the same time and wait for all of them.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_WHEN_ALL_H_
#define WEFT_RUNTIME_WHEN_ALL_H_

#include <coroutine>
#include <ranges>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "weft/runtime/internal/branches.h"
#include "weft/runtime/internal/fork.h"
#include "weft/runtime/task.h"

namespace weft {
namespace internal {

// A fork that waits for its branches, and nothing else.
class Gather : public Fork {
 public:
  // It becomes part of the branch's Run: clang alone would leave it outside,
  // for 12 instructions of 235 a call.
  [[gnu::always_inline]] Continuation BranchDone(
      Branch& completed, ThisThread& here) noexcept final {
    return Count(completed, here);
  }

 protected:
  using Fork::Fork;
  ~Gather() = default;
};

}  // namespace internal

template <typename... Ts>
class [[nodiscard("co_await it")]] WhenAllAwaiter final
    : public internal::Gather {
 public:
  explicit WhenAllAwaiter(Task<Ts>... tasks) noexcept
      : Gather(sizeof...(Ts)), branches_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  std::tuple<internal::NonVoid<Ts>...> await_resume() {
    return branches_.TakeResults();
  }

 private:
  internal::BranchTuple<internal::Gather, Ts...> branches_;
};

template <typename T>
class [[nodiscard("co_await it")]] WhenAllOfAwaiter : public internal::Gather {
 public:
  template <internal::TasksOf<T> Tasks>
  explicit WhenAllOfAwaiter(Tasks&& tasks)
      : Gather(static_cast<int>(std::ranges::size(tasks))),
        branches_(std::move(tasks)) {}

  bool await_ready() const noexcept { return branches_.size() == 0; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  auto await_resume() { return branches_.TakeResults(); }

 protected:
  internal::BranchArray<internal::Gather, T> branches_;
};

template <typename T, internal::TakesResultsOf<T> Take>
class [[nodiscard("co_await it")]] WhenAllIntoAwaiter final
    : public WhenAllOfAwaiter<T> {
 public:
  template <internal::TasksOf<T> Tasks>
  WhenAllIntoAwaiter(Tasks&& tasks, Take take)
      : WhenAllOfAwaiter<T>(std::move(tasks)), take_(std::move(take)) {}

  void await_resume() { this->branches_.TakeEach(std::move(take_)); }

 private:
  Take take_;
};

// Runs all `tasks` concurrently and gives their results in the order of the
// arguments; std::monostate for a Task<void>.
//
//     auto [head, body] = co_await WhenAll(ReadHead(s), ReadBody(s));
//
// Every task runs to its end, whatever becomes of the others: results that are
// errors are results. Where the first error should end the others, use
// WithScope. An exception is thrown from the co_await once all have completed;
// of several, that of the first argument.
//
// Suspends: until every task has completed. The first starts at once.
// Cancel:   every task is cancelled, and still waited for.
// Threads:  the tasks may run on different workers at the same time.
// Errors:   a result's move constructor must not throw while the result leaves
//           its task: that ends the program.
// Cost:     no allocation beyond the tasks' frames; no atomic operation for the
//           join where no task waited or was stolen.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
WhenAllAwaiter<Ts...> WhenAll(Task<Ts>... tasks) noexcept {
  return WhenAllAwaiter<Ts...>(std::move(tasks)...);
}

// As above, for any number of tasks of one type, in a std::vector or another
// container that knows its size: a std::vector<T> in their order, or nothing
// for Task<void>. The container is cleared, where it can be.
//
// Suspends: until every task has completed; not at all for none.
// Cancel:   every task is cancelled, and still waited for.
// Cost:     a block from the frame pool, and the vector of results.
template <typename Tasks, typename T = internal::ResultOfEach<Tasks>>
  requires internal::TasksOf<Tasks, T>
WhenAllOfAwaiter<T> WhenAll(Tasks&& tasks) {
  return WhenAllOfAwaiter<T>(std::move(tasks));
}

// As above, and instead of a vector each result is given to `take`, in their
// order, once all have completed; a std::monostate for Task<void>. It is called
// on the caller's thread, and may throw: that ends the giving.
//
//     absl::InlinedVector<Task<int>, 8> parts = ...;
//     auto add = [&sum](int part) { sum += part; };
//     co_await WhenAll(std::move(parts), add);
//
// Suspends: until every task has completed; not at all for none.
// Cancel:   every task is cancelled, and still waited for.
// Cost:     a block from the frame pool.
template <typename Tasks, typename Take,
          typename T = internal::ResultOfEach<Tasks>>
  requires internal::TasksOf<Tasks, T> && internal::TakesResultsOf<Take, T>
WhenAllIntoAwaiter<T, Take> WhenAll(Tasks&& tasks, Take take) {
  return WhenAllIntoAwaiter<T, Take>(std::move(tasks), std::move(take));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_WHEN_ALL_H_
