// WhenAny: run several tasks, keep the first result, and lose none.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_WHEN_ANY_H_
#define WEFT_RUNTIME_WHEN_ANY_H_

#include <coroutine>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/branches.h"
#include "weft/runtime/internal/fork.h"
#include "weft/runtime/task.h"

namespace weft {

// What each task gave, and which one completed first.
template <typename Outcomes>
struct AnyOutcome {
  std::size_t first;
  Outcomes outcomes;
};

namespace internal {

// A fork whose first completion cancels the others.
class Race : public Fork {
 public:
  std::size_t first() const noexcept {
    // relaxed: read after the join, which orders it.
    return static_cast<std::size_t>(first_.load(std::memory_order_relaxed));
  }

 protected:
  explicit Race(int branches) noexcept : branches_(branches) {}
  ~Race() = default;

 private:
  static constexpr int kNone = -1;

  // The branches stay while we cancel them: ours has not been counted yet.
  Continuation BranchDone(Branch& completed, ThisThread& here) noexcept final {
    int index = 0;
    while (&branch(index) != &completed) ++index;
    int expected = kNone;
    // relaxed: decides who is first, and nothing is read through it before the
    // join.
    if (first_.compare_exchange_strong(expected, index,
                                       std::memory_order_relaxed)) {
      CancelAllBut(index);
    }
    return Fork::BranchDone(completed, here);
  }
  void CancelAllBut(int winner) noexcept {
    for (int i = 0; i < branches_; ++i) {
      if (i != winner) branch(i).Cancel();
    }
  }

  const int branches_;
  Atomic<int> first_{kNone};
};

}  // namespace internal

template <typename... Ts>
class [[nodiscard("co_await it")]] WhenAnyAwaiter final
    : public internal::Race {
 public:
  explicit WhenAnyAwaiter(Task<Ts>... tasks) noexcept
      : Race(sizeof...(Ts)), branches_(std::move(tasks)...) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first(), sizeof...(Ts));
  }
  AnyOutcome<std::tuple<internal::NonVoid<Ts>...>> await_resume() {
    return {first(), branches_.TakeResults()};
  }

 private:
  internal::Branch& branch(int index) noexcept override {
    return branches_[index];
  }

  internal::BranchTuple<Ts...> branches_;
};

template <typename T>
class [[nodiscard("co_await it")]] WhenAnyOfAwaiter final
    : public internal::Race {
 public:
  explicit WhenAnyOfAwaiter(std::vector<Task<T>> tasks)
      : Race(static_cast<int>(tasks.size())), branches_(std::move(tasks)) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(Continuation caller) noexcept {
    return BeginFork(caller, branches_.first(), branches_.size());
  }
  AnyOutcome<std::vector<internal::NonVoid<T>>> await_resume() {
    return {first(), branches_.TakeResults()};
  }

 private:
  internal::Branch& branch(int index) noexcept override {
    return branches_[index];
  }

  internal::BranchArray<T> branches_;
};

// Runs all `tasks` concurrently; when the first completes, cancels the others
// and waits for them too.
//
//     auto any = co_await WhenAny(queue.Receive(), Ticks(interval));
//     if (any.first == 0) Use(std::get<0>(any.outcomes));
//
// Every outcome is given, so what a loser got at the last moment (a message, a
// connection) is not lost; most losers say CANCELLED. An exception of any of
// them is thrown from the co_await.
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

// As above, for one or more tasks of one type that is not void.
//
// Suspends: until every task has completed.
// Cancel:   every task is cancelled, and still waited for.
template <typename T>
  requires(!std::is_void_v<T>)
WhenAnyOfAwaiter<T> WhenAny(std::vector<Task<T>> tasks) {
  ABSL_RAW_CHECK(!tasks.empty(), "WhenAny of no tasks would wait for ever");
  return WhenAnyOfAwaiter<T>(std::move(tasks));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_WHEN_ANY_H_
