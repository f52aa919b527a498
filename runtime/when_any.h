// WhenAny: run several tasks, keep the first result, and lose none.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_WHEN_ANY_H_
#define WEFT_RUNTIME_WHEN_ANY_H_

#include <coroutine>
#include <cstddef>
#include <ranges>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/internal/branches.h"
#include "weft/runtime/internal/first_of.h"
#include "weft/runtime/task.h"

namespace weft {

// What each task gave, and which one completed first.
template <typename Outcomes>
struct AnyOutcome {
  std::size_t first;
  Outcomes outcomes;
};

template <typename... Ts>
class [[nodiscard("co_await it")]] WhenAnyAwaiter final
    : public internal::FirstOf {
 public:
  explicit WhenAnyAwaiter(Task<Ts>... tasks) noexcept
      : FirstOf(sizeof...(Ts)), branches_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  AnyOutcome<std::tuple<internal::NonVoid<Ts>...>> await_resume() {
    return {winner(), branches_.TakeResults()};
  }

 private:
  internal::BranchTuple<internal::FirstOf, Ts...> branches_;
};

template <typename T>
class [[nodiscard("co_await it")]] WhenAnyOfAwaiter final
    : public internal::FirstOf {
 public:
  template <internal::TasksOf<T> Tasks>
  explicit WhenAnyOfAwaiter(Tasks&& tasks)
      : FirstOf(static_cast<int>(std::ranges::size(tasks))),
        branches_(std::move(tasks)) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first());
  }
  AnyOutcome<std::vector<internal::NonVoid<T>>> await_resume() {
    return {winner(), branches_.TakeResults()};
  }

 private:
  internal::BranchArray<internal::FirstOf, T> branches_;
};

// Runs all `tasks` concurrently; when the first completes, cancels the others
// and waits for them too.
//
//     auto any = co_await WhenAny(queue.Receive(), Ticks(interval));
//     if (any.first == 0) Use(std::get<0>(any.outcomes));
//
// Every outcome is given, so what a loser got at the last moment (a message, a
// connection) is not lost; most losers say CANCELLED. An exception of any of
// them is thrown from the co_await. Where a loser cannot have got anything that
// is worth keeping, a Race (race.h) gives less to take apart.
//
// Suspends: until every task has completed.
// Cancel:   every task is cancelled, and still waited for.
// Threads:  the tasks may run on different workers at the same time.
// Cost:     as WhenAll, and one compare-and-swap for each task.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
WhenAnyAwaiter<Ts...> WhenAny(Task<Ts>... tasks) noexcept {
  return WhenAnyAwaiter<Ts...>(std::move(tasks)...);
}

// As above, for one or more tasks of one type that is not void, in a
// std::vector or what else knows its size.
//
// Suspends: until every task has completed.
// Cancel:   every task is cancelled, and still waited for.
template <typename Tasks, typename T = internal::ResultOfEach<Tasks>>
  requires(internal::TasksOf<Tasks, T> && !std::is_void_v<T>)
WhenAnyOfAwaiter<T> WhenAny(Tasks&& tasks) {
  ABSL_RAW_CHECK(std::ranges::size(tasks) > 0,
                 "WhenAny of no tasks would wait for ever");
  return WhenAnyOfAwaiter<T>(std::move(tasks));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_WHEN_ANY_H_
