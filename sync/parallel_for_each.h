// ParallelForEach: a function for every element, so many calls at a time.
//
//     co_await OrReturn(sync::ParallelForEach(urls, 8, Fetch));
//
//     source --- Next() --> [worker] function(element)
//                   `-----> [worker] function(element)      at most `limit`
//                   `-----> [worker] ...
//
// Workers take an element each, one at a time, and come back for another. One
// begins; whoever has got an element starts one more, up to the limit, since
// there may be an element behind it. So a million elements need no more than
// `limit` tasks, three elements no more than four, and an element is taken only
// when somebody is free: a generator is not run ahead of.
//
// Rejected: a task for each element and a Semaphore around them. It costs a
// block of memory, two turns of the scheduler and two locks for each element.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_PARALLEL_FOR_EACH_H_
#define WEFT_SYNC_PARALLEL_FOR_EACH_H_

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/runtime/using.h"
#include "weft/sync/element_source.h"
#include "weft/sync/mutex.h"

namespace weft::sync {

// Those who call the function, and what they share.
template <ElementSource Source, typename Function>
class ForEachWorkers {
 public:
  ForEachWorkers(Source& source, std::size_t limit, Function& function) noexcept
      : source_(source), limit_(limit), function_(function) {}

  // ParallelForEach, for what is a source already.
  //
  // Suspends: as ParallelForEach.
  // Cancel:   as ParallelForEach.
  static Task<absl::Status> Run(Source source, std::size_t limit,
                                Function function) {
    co_return co_await Using(
        std::move(source), [&](Source& source) -> Task<absl::Status> {
          ForEachWorkers workers(source, limit, function);
          co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
            sources::StartIn(scope, source);
            co_return co_await workers.Work(scope);
          });
        });
  }

 private:
  // What one worker does, until there are no more elements.
  //
  // Suspends: while another takes an element, in the source, and in the calls.
  // Cancel:   CANCELLED; the call in progress has ended as its own code
  //           decides, and an element that was just taken is dropped.
  Task<absl::Status> Work(Scope& scope) {
    for (;;) {
      Mutex::Guard turn = co_await OrReturn(turn_.Lock());
      auto next = co_await source_.Next();
      std::optional<sources::ElementOf<Source>> element =
          co_await OrReturn(sources::Checked(std::move(next)));
      if (!element.has_value()) co_return absl::OkStatus();
      AddOneMore(scope);
      turn.Unlock();
      co_await OrReturn(std::invoke(function_, sources::Pass(*element)));
    }
  }

  void AddOneMore(Scope& scope) {
    if (workers_ == limit_) return;
    ++workers_;
    scope.Spawn(Work(scope));
  }

  Mutex turn_;  // Guards source_, across its waits, and workers_.
  Source& source_;
  std::size_t workers_ = 1;
  const std::size_t limit_;
  Function& function_;
};

// Calls function(element), which makes a Task<absl::Status>, for each of
// `elements`: a range, an AsyncGenerator or a Transform. At most `limit` calls
// are in progress at a time; they begin in the order of the elements.
//
// The first error, or exception, cancels the calls in progress and begins no
// more; all are awaited, and every error is kept, as in a Scope (AllErrors).
// A generator is closed on every way out.
//
// With a limit of 1 it is a loop over the elements, in their order.
//
// Suspends: until the last call has ended.
// Cancel:   passed on to the generator and to every call, which are still
//           waited for; no more begin.
// Threads:  the calls may run on different workers at the same time. The range
//           is gone through by one of them after the other.
// Borrows:  a range that is an lvalue or a view, until all calls have ended;
//           the function gets a reference to the element in it, or, where the
//           range can be gone through only once, a copy of it. Whatever else
//           was given is owned, a view and what that owns, too; the function
//           may move from an element that comes out of it, which lives until
//           its call has ended. The function does, too, so a capturing lambda
//           is safe once it has a name. What an element of a generator points
//           at is another matter: the generator's locals are gone when it has
//           ended, and calls may still be in progress.
// Errors:   that of a call, or of giving the generator back; CANCELLED where it
//           was cancelled from outside. An exception that escapes from a call,
//           the range or the generator is thrown from the co_await, in place of
//           any error.
// Requires: a limit of at least 1.
// Cost:     a block and two frames for each of up to `limit` workers; for an
//           element a frame from the pool, the function's, and a lock. Nothing
//           grows with the number of elements.
template <Elemental Elements, typename Function>
  requires std::same_as<
      sources::ResultForEach<Function, sources::For<Elements>>, absl::Status>
Task<absl::Status> ParallelForEach(Elements&& elements, std::size_t limit,
                                   Function function) {
  ABSL_RAW_CHECK(limit > 0,
                 "ParallelForEach with no calls at a time would never end");
  using Workers = ForEachWorkers<sources::For<Elements>, Function>;
  return Workers::Run(sources::Of(std::forward<Elements>(elements)), limit,
                      std::move(function));
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_PARALLEL_FOR_EACH_H_
