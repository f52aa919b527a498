// WithResults: a body that takes what a pipeline gives, one by one.
//
//     co_return co_await sync::WithResults(
//         sync::Transform(Urls(), 8, Fetch),
//         [&](auto& pages) -> Task<absl::Status> {
//           while (auto page = co_await OrReturn(pages.Next())) Show(*page);
//           co_return absl::OkStatus();
//         });
//
//     [ scope   calls of every stage --> pages.Next() --> body ]
//
// The pipeline runs for as long as the body does: a body that has seen enough
// leaves, and what still runs is cancelled and awaited. What ParallelForEach
// does for a function, this does for a loop.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_WITH_RESULTS_H_
#define WEFT_SYNC_WITH_RESULTS_H_

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/using.h"
#include "weft/sync/element_source.h"

namespace weft::sync {

// A body, and what it gave.
template <ElementSource Pipeline, typename Body>
class BodyOfPipeline {
 public:
  using Result = typename std::invoke_result_t<Body&, Pipeline&>::Result;

  BodyOfPipeline(Pipeline& pipeline, Body& body) noexcept
      : pipeline_(pipeline), body_(body) {}

  // Suspends: until the body and every call have ended.
  // Cancel:   passed on to them.
  Task<Result> Run() {
    absl::Status errors = co_await WithScope(
        [&](Scope& scope) -> Task<absl::Status> { return RunIn(scope); });
    if (errors.ok() || left_) co_return *std::move(given_);
    co_return errors;
  }

 private:
  Task<absl::Status> RunIn(Scope& scope) {
    sources::StartIn(scope, pipeline_);
    Result given = co_await std::invoke(body_, pipeline_);
    given_.emplace(std::move(given));
    // The scope of a call that has failed is cancelled: then its error counts,
    // whatever the body made of it. What calls say later is of our making.
    left_ = !IsCancelled();
    scope.Cancel();
    if constexpr (std::same_as<Result, absl::Status>) {
      co_return *given_;
    } else {
      co_return given_->status();
    }
  }

  Pipeline& pipeline_;
  Body& body_;
  std::optional<Result> given_;
  bool left_ = false;  // The body did, before anything had failed.
};

// Runs a pipeline, or any other source, for body(pipeline), which takes its
// results one by one. Gives what the body gave, or the first error of a call
// that failed before the body left. When the body returns or throws, calls that
// are still in progress are cancelled and awaited, and their results dropped,
// errors among them, as are results that the body has not taken. Exceptions
// are not.
//
// The body may be a [&] lambda written in place, or a named one: it lives until
// all is over.
//
// Suspends: until the body and every call have ended.
// Cancel:   passed on to the body and every call, which are still waited for.
//           From then on errors of calls count again, whatever the body gives.
// Threads:  the calls may run on different workers at the same time, beside the
//           body.
// Borrows:  what the pipeline borrows (Transform), and what the body does.
// Errors:   the body's; that of a call, with the others that came with it
//           (AllErrors); or of giving the source back. An exception that
//           escapes from the body or a call is thrown from the co_await.
// Cost:     as many frames as stages, and six.
template <ElementSource Pipeline, typename Body>
  requires(TaskBody<Body, Pipeline&> &&
           StatusLike<typename std::invoke_result_t<Body&, Pipeline&>::Result>)
auto WithResults(Pipeline pipeline, Body body)
    -> Task<typename std::invoke_result_t<Body&, Pipeline&>::Result> {
  using Result = typename std::invoke_result_t<Body&, Pipeline&>::Result;
  co_return co_await Using(
      std::move(pipeline), [&](Pipeline& results) -> Task<Result> {
        BodyOfPipeline<Pipeline, Body> running(results, body);
        co_return co_await running.Run();
      });
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_WITH_RESULTS_H_
