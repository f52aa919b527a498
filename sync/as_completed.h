// AsCompleted: several tasks at the same time, and their results in the order
// in which they finish.
//
//     co_return co_await sync::AsCompleted(
//         std::move(downloads),
//         [&](sync::Completions<Page>& pages) -> Task<absl::Status> {
//           while (auto page = co_await OrReturn(pages.Next())) {
//             Show(page->index, page->result);
//           }
//           co_return absl::OkStatus();
//         });
//
//     tasks[2] --.
//     tasks[0] ---+--> finished_: 1, 2, ... --> Next()
//     tasks[1] --'     (who; what it gave lies in outcomes_)
//
// The tasks run for as long as the body does: a body that has seen enough
// leaves, and what still runs is cancelled and awaited. So no task outlives
// what it borrows from the caller.
//
// Rejected: a generator that the caller may simply drop. A destructor cannot
// wait, and the tasks would go on in a scope that has ended.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_AS_COMPLETED_H_
#define WEFT_SYNC_AS_COMPLETED_H_

#include <cstddef>
#include <exception>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"  // TasksOf, of forks.
#include "weft/sync/channel.h"

namespace weft::sync {

// What one of the tasks gave, std::monostate for a Task<void>, and its place
// among them.
template <typename T>
struct Completed {
  std::size_t index;
  std::conditional_t<std::is_void_v<T>, std::monostate, T> result;
};

// The results of an AsCompleted, for its body.
template <typename T>
class Completions {
  using Value = decltype(Completed<T>::result);

 public:
  // For AsCompleted.
  explicit Completions(std::size_t tasks)
      : outcomes_(tasks), finished_(tasks), left_(tasks) {}
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // The result of the next task that finishes; empty when there is none left.
  // An exception that escaped from the task is thrown from the co_await, in its
  // turn; the others go on, and so may the caller.
  //
  // Suspends: until another task has finished.
  // Cancel:   CANCELLED, also where there is none left; no result was taken.
  //           (Where the whole AsCompleted is cancelled, the tasks are, too.)
  // Threads:  any task, one at a time.
  // Borrows:  the results, until the wait is over.
  // Cost:     a frame from the pool, and one spin lock.
  Task<absl::StatusOr<std::optional<Completed<T>>>> Next() {
    std::optional<Completed<T>> next;
    if (left_ == 0) {
      co_await OrReturn(CheckCancelled());  // Which every wait asks first.
      co_return next;
    }
    const std::size_t index = co_await OrReturn(finished_.Receive());
    --left_;
    Outcome& outcome = outcomes_[index];
    if (outcome.escaped) {
      std::rethrow_exception(std::exchange(outcome.escaped, nullptr));
    }
    next.emplace(Completed<T>{index, *std::move(outcome.value)});
    outcome.value.reset();
    co_return next;
  }

  // How many results are still to come.
  std::size_t left() const noexcept { return left_; }

  // For AsCompleted: one task in its place.
  //
  // Suspends: as the task does.
  // Cancel:   as the task does.
  Task<> Run(std::size_t index, Task<T> task) {
    Outcome& outcome = outcomes_[index];
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        outcome.value.emplace();
      } else {
        T value = co_await std::move(task);
        outcome.value.emplace(std::move(value));
      }
    } catch (...) {
      outcome.escaped = std::current_exception();
    }
    finished_.TrySend(index);  // There is room for all.
  }

  // For AsCompleted, when all are over.
  void ThrowWhatIsLeft() const {
    for (const Outcome& outcome : outcomes_) {
      if (outcome.escaped) std::rethrow_exception(outcome.escaped);
    }
  }

 private:
  // Exactly one of them, once the task has finished.
  struct Outcome {
    std::optional<Value> value;
    std::exception_ptr escaped;
  };

  // Each is written by its task, and read by whoever took its index out of the
  // channel, which orders the two.
  std::vector<Outcome> outcomes_;
  Channel<std::size_t> finished_;
  std::size_t left_;  // The body's.
};

// Runs all `tasks` concurrently, and body(completions) beside them, which takes
// their results one by one. Gives what the body gave. When the body returns or
// throws, the tasks that still run are cancelled and awaited, and their results
// dropped. Exceptions are not: that of the body is thrown from the co_await, or
// else the first of those that it did not come to.
//
// `tasks` is a std::vector, or what else owns them and knows its size: no view,
// since nothing of it is looked at before the co_await. The body may be a [&]
// lambda written in place, or a named one: it lives until all is over.
//
// Suspends: until the body and every task have ended.
// Cancel:   passed on to the body and every task, which are still waited for.
// Threads:  the tasks may run on different workers at the same time.
// Cost:     two frames and a block from the pool for each task, and two
//           allocations for all of them; one spin lock a result.
template <std::ranges::sized_range Tasks, typename Body,
          typename T = typename std::ranges::range_value_t<Tasks>::Result>
  requires(
      internal::TasksOf<Tasks, T> && TaskBody<Body, Completions<T>&> &&
      StatusLike<typename std::invoke_result_t<Body&, Completions<T>&>::Result>)
auto AsCompleted(Tasks tasks, Body body)
    -> Task<typename std::invoke_result_t<Body&, Completions<T>&>::Result> {
  using Result = typename std::invoke_result_t<Body&, Completions<T>&>::Result;
  Completions<T> completions(std::ranges::size(tasks));
  Result given = co_await WithScope([&](Scope& scope) -> Task<Result> {
    std::size_t index = 0;
    for (Task<T>& task : tasks) {
      scope.Spawn(completions.Run(index++, std::move(task)));
    }
    Result result = co_await body(completions);
    scope.Cancel();
    co_return result;
  });
  completions.ThrowWhatIsLeft();
  co_return given;
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_AS_COMPLETED_H_
