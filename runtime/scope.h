// Scope: the normal way to have children.
//
//     co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
//       for (;;) {
//         TcpStream client = co_await OrReturn(listener.Accept());
//         scope.Spawn(Serve, std::move(client));
//       }
//     });
//
// A scope ends when its body and all its children have. The first error of any
// of them cancels the others; every error is kept (AllErrors). So no child
// outlives what it borrows from the caller, and no error is lost.
//
// After Nathaniel J. Smith, "Notes on structured concurrency, or: Go statement
// considered harmful", 2018.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SCOPE_H_
#define WEFT_RUNTIME_SCOPE_H_

#include <functional>
#include <type_traits>
#include <utility>

#include "weft/runtime/internal/scope_join.h"
#include "weft/runtime/internal/spawned.h"
#include "weft/runtime/task.h"
#include "weft/runtime/wait_result.h"

namespace weft {

// What a child of a scope may give: its errors are the scope's.
template <typename T>
concept ScopeResult = std::is_void_v<T> || StatusLike<T>;

class Scope {
 public:
  // For WithScope.
  explicit Scope(internal::ScopeJoin& join) noexcept : join_(join) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts a child; it runs until it ends or the scope is cancelled. The
  // function and the arguments live as long as its coroutine. In a scope that
  // is being cancelled the child starts all the same, cancelled.
  //
  // Requires: the scope has begun and has not ended: call it from the coroutine
  //           of its body, or from its children.
  // Threads:  any worker of the scope's runtime.
  // Cost:     one block from the frame pool.
  template <typename Function, typename... Args>
    requires MakesTask<Function, Args...>
  void Spawn(Function&& function, Args&&... args) {
    auto closure = internal::MakeClosure(std::forward<Function>(function),
                                         std::forward<Args>(args)...);
    using T = typename decltype(closure.Call())::Result;
    SpawnChild<T>(std::move(closure));
  }
  template <ScopeResult T>
  void Spawn(Task<T> child) {
    SpawnChild<T>(internal::MadeTask<T>(std::move(child)));
  }

  // Cancels the body and every child: they have done what was wanted of them,
  // and their CANCELLED is no error. Idempotent; any party of the scope.
  void Cancel() noexcept { join_.EndParties(); }

 private:
  template <ScopeResult T, typename Callable>
  void SpawnChild(Callable callable) {
    auto* const child =
        new internal::Spawned<internal::ScopeChild<T>, Callable>(
            std::move(callable), join_);
    join_.StartChild(*child);
  }

  internal::ScopeJoin& join_;
};

// Opens a scope, runs body(scope) in it, and waits for all its children. Gives
// what the body gave, or the first error of body and children. CANCELLED of one
// that the scope itself has cancelled is no error, and comes last of another.
// The first exception that escapes from any of them cancels the others, too,
// and is thrown from the co_await.
//
//     absl::Status s = co_await WithScope(
//         [&](Scope& scope) -> Task<absl::Status> { ... });
//
// The body may be a [&] lambda written in place: it lives until the scope ends.
//
// Suspends: until the body and every child have ended.
// Cancel:   passed on to the body and every child, which are still waited for.
// Cost:     one frame; the children are counted by one atomic.
template <typename Body>
  requires TaskBody<Body, Scope&>
auto WithScope(Body body)
    -> Task<WaitResult<typename std::invoke_result_t<Body&, Scope&>::Result>> {
  using T = typename std::invoke_result_t<Body&, Scope&>::Result;
  internal::ScopeWait<T> wait;
  Scope scope(wait);
  wait.SetBody(body(scope));
  co_return co_await wait;
}

}  // namespace weft

#endif  // WEFT_RUNTIME_SCOPE_H_
