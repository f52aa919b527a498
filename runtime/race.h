// Race: run several tasks, and keep nothing but what the first one gave.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_RACE_H_
#define WEFT_RUNTIME_RACE_H_

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <ranges>
#include <utility>
#include <variant>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/internal/branches.h"
#include "weft/runtime/internal/first_of.h"
#include "weft/runtime/task.h"

namespace weft {

// Which task completed first, and what it gave; std::monostate for a
// Task<void>.
template <typename Result>
struct Raced {
  std::size_t first;
  Result result;
};

namespace internal {

// One type for all where they have one, else one alternative for each task: the
// index of the variant is its place.
template <typename... Ts>
struct AnyOneOf {
  using Type = std::variant<NonVoid<Ts>...>;
};
template <typename T, std::same_as<T>... Others>
struct AnyOneOf<T, Others...> {
  using Type = NonVoid<T>;
};

}  // namespace internal

template <typename... Ts>
class [[nodiscard("co_await it")]] RaceAwaiter final
    : public internal::FirstOf {
  using Result = typename internal::AnyOneOf<Ts...>::Type;

 public:
  explicit RaceAwaiter(Task<Ts>... tasks) noexcept
      : FirstOf(sizeof...(Ts)), branches_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  Raced<Result> await_resume() {
    const std::size_t first = winner();
    return {first, branches_.template TakeOnly<Result>(first)};
  }

 private:
  internal::BranchTuple<internal::FirstOf, Ts...> branches_;
};

template <typename T>
class [[nodiscard("co_await it")]] RaceOfAwaiter final
    : public internal::FirstOf {
 public:
  template <internal::TasksOf<T> Tasks>
  explicit RaceOfAwaiter(Tasks&& tasks)
      : FirstOf(static_cast<int>(std::ranges::size(tasks))),
        branches_(std::move(tasks)) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  Raced<internal::NonVoid<T>> await_resume() {
    const std::size_t first = winner();
    return {first, branches_.TakeOnly(first)};
  }

 private:
  internal::BranchArray<internal::FirstOf, T> branches_;
};

// Runs all `tasks` concurrently; when the first completes, cancels the others,
// waits for them too, and gives what the first one gave.
//
//     auto raced = co_await Race(Ask(mirror_1), Ask(mirror_2));
//     Reply reply = co_await OrReturn(std::move(raced.result));
//
// The first to complete has won, whatever it says: an error is a result. What
// the losers gave is dropped, also what one of them got at the last moment. Use
// WhenAny where that is worth keeping: a message, a connection, a lock.
//
// Where the tasks give different types, the result is a std::variant with one
// alternative for each. Exceptions are not dropped: that of the winner is
// thrown from the co_await, or else that of the first argument that has one.
//
// (Rejected: the first *success* wins. A caller who wants to try the others
// after an error wants to see the errors, too, and finds both in AsCompleted.)
//
// Suspends: until every task has completed.
// Cancel:   every task is cancelled, and still waited for.
// Threads:  the tasks may run on different workers at the same time.
// Cost:     as WhenAny.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
RaceAwaiter<Ts...> Race(Task<Ts>... tasks) noexcept {
  return RaceAwaiter<Ts...>(std::move(tasks)...);
}

// As above, for one or more tasks of one type, in a std::vector or what else
// knows its size.
//
// Suspends: until every task has completed.
// Cancel:   every task is cancelled, and still waited for.
template <typename Tasks, typename T = internal::ResultOfEach<Tasks>>
  requires internal::TasksOf<Tasks, T>
RaceOfAwaiter<T> Race(Tasks&& tasks) {
  ABSL_RAW_CHECK(std::ranges::size(tasks) > 0,
                 "a Race of no tasks would wait for ever");
  return RaceOfAwaiter<T>(std::move(tasks));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_RACE_H_
