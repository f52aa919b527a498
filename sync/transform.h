// Transform: a stage of a pipeline. So many calls at a time, and their results
// in the order of the elements.
//
//     auto pages = sync::Transform(Urls(), 8, Fetch);
//     auto titles = sync::Transform(std::move(pages), 2, Parse);
//     co_await OrReturn(sync::ParallelForEach(std::move(titles), 1, Print));
//
//     source --> [worker] function(element) --.   slots_, a ring of `limit`
//            `-> [worker] function(element) ---+--> | 8 | 5 | 6 | 7 |
//            `-> [worker] ...                 -'          ^
//                                                 taken_next_ is 5: Next()
//
// A Transform says what is to be done; nothing runs before somebody takes the
// results. Whoever does, ParallelForEach or WithResults, opens one scope for
// the whole pipeline, and every stage runs its calls in there: so the first
// error of any of them ends them all, and nothing outlives the call.
//
// Rejected: an AsyncGenerator of results. One that is dropped between two of
// them would leave its calls running, since a destructor cannot wait.
//
// Invariants
//   1. Element n goes into slot n % limit. A worker acquires a permit of room_
//      before it takes an element, and whoever takes a result gives one back:
//      so slot n % limit is empty when element n is taken.
//   2. The element behind the last one closes its slot, in which nothing is:
//      the results end there.
//   3. A worker that leaves before that, by an error, an exception or a
//      cancellation, sets failed_ and closes every slot, after its scope has
//      recorded why. Whoever finds a slot closed can tell the two apart, and
//      nobody waits for a result that will never come, shielded or not.
//
// Back-pressure: results that nobody takes fill the ring, then no element is
// taken from the source, and so on up to the first stage.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_TRANSFORM_H_
#define WEFT_SYNC_TRANSFORM_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/element_source.h"
#include "weft/sync/mutex.h"
#include "weft/sync/semaphore.h"

namespace weft::sync {

// One running stage. It does not move: its workers point at it.
template <ElementSource Source, typename Function>
class TransformStage {
 public:
  using Result = typename sources::ResultForEach<Function, Source>::value_type;

  TransformStage(Source source, std::size_t limit, Function function)
      : source_(std::move(source)),
        function_(std::move(function)),
        limit_(limit),
        room_(static_cast<std::int64_t>(limit)) {
    for (std::size_t i = 0; i < limit; ++i) slots_.emplace_back(1);
  }

  void Start(Scope& scope) {
    sources::StartIn(scope, source_);
    scope.Spawn(Work(scope, Leaving(*this)));
    started_ = true;
  }

  // Suspends: until the result behind the one before is there.
  // Cancel:   CANCELLED; no result was taken.
  Task<absl::StatusOr<std::optional<Result>>> Next() {
    ABSL_RAW_CHECK(started_,
                   "a pipeline is asked for results that nobody has started: "
                   "take them with ParallelForEach, or inside WithResults");
    absl::StatusOr<Result> result = co_await SlotOf(taken_next_).Receive();
    std::optional<Result> next;
    if (absl::IsOutOfRange(result.status())) {
      // relaxed: the slot's lock, which has closed it, orders the two.
      if (failed_.load(std::memory_order_relaxed)) co_return CancelledError();
      co_return next;
    }
    co_await OrReturn(result.status());
    ++taken_next_;
    room_.Release();
    next.emplace(*std::move(result));
    co_return next;
  }

  Source& source() noexcept { return source_; }

 private:
  // Goes with the frame of a worker. That is why it is a parameter: the scope
  // records what the worker gave before it destroys the frame
  // (scope_join.h), so the error comes before the CANCELLED that it brings
  // about elsewhere. A local would be gone before.
  class Leaving {
   public:
    explicit Leaving(TransformStage& stage) noexcept : stage_(&stage) {}
    Leaving(Leaving&& other) noexcept
        : stage_(std::exchange(other.stage_, nullptr)) {}
    Leaving& operator=(Leaving&&) = delete;
    ~Leaving() {
      if (stage_ != nullptr) stage_->Fail();
    }

    void AtTheEnd() noexcept { stage_ = nullptr; }

   private:
    TransformStage* stage_;
  };

  Task<absl::Status> Work(Scope& scope, Leaving leaving) {
    for (;;) {
      Mutex::Guard turn = co_await OrReturn(turn_.Lock());
      Semaphore::Permit room = co_await OrReturn(room_.Acquire());
      auto next = co_await source_.Next();
      std::optional<sources::ElementOf<Source>> element =
          co_await OrReturn(sources::Checked(std::move(next)));
      Channel<Result>& slot = SlotOf(begun_next_);
      if (!element.has_value()) {
        slot.Close();
        leaving.AtTheEnd();
        co_return absl::OkStatus();
      }
      room.Forget();  // Until the result is taken.
      ++begun_next_;
      AddOneMore(scope);
      turn.Unlock();
      Result result =
          co_await OrReturn(std::invoke(function_, sources::Pass(*element)));
      slot.TrySend(result);  // There is room (1), unless all has failed (3).
    }
  }

  void AddOneMore(Scope& scope) {
    if (workers_ == limit_) return;
    ++workers_;
    scope.Spawn(Work(scope, Leaving(*this)));
  }

  void Fail() noexcept {
    failed_.store(true, std::memory_order_relaxed);  // Pairs with Next.
    for (Channel<Result>& slot : slots_) slot.Close();
  }

  Channel<Result>& SlotOf(std::uint64_t element) noexcept {
    return slots_[element % limit_];
  }

  Mutex turn_;  // Guards source_, across its waits, begun_next_ and workers_.
  Source source_;
  Function function_;
  std::uint64_t begun_next_ = 0;
  std::size_t workers_ = 1;
  const std::size_t limit_;
  Semaphore room_;
  std::deque<Channel<Result>> slots_;  // Which do not move.
  Atomic<bool> failed_{false};         // Any worker's.
  // Of whoever takes the results.
  std::uint64_t taken_next_ = 0;
  bool started_ = false;
};

// What Transform returns: a stage that somebody will start.
template <ElementSource Source, typename Function>
class [[nodiscard("nothing runs until somebody takes the results")]]
Transformed {
  using Stage = TransformStage<Source, Function>;

 public:
  using Result = typename Stage::Result;

  explicit Transformed(std::unique_ptr<Stage> stage) noexcept
      : stage_(std::move(stage)) {}

  // The next result, in the order of the elements; empty at the end. For the
  // body of WithResults.
  //
  // Suspends: until it is there.
  // Cancel:   CANCELLED; no result was taken. It is what whoever asks gets,
  //           shielded or not, when a call has failed: return it, and the error
  //           is what the whole pipeline gives.
  // Threads:  any task, one at a time.
  // Borrows:  the pipeline, until the wait is over.
  // Cost:     a frame from the pool, and two spin locks.
  Task<absl::StatusOr<std::optional<Result>>> Next() { return stage_->Next(); }

  // For whoever takes the results: begins, in their scope.
  void Start(Scope& scope) { stage_->Start(scope); }
  // For whoever took the results: ends the source.
  //
  // Suspends: as the clean-up of a generator at the source does.
  // Cancel:   seen by that clean-up; Using shields it.
  Task<absl::Status> Release() { return stage_->source().Release(); }

 private:
  std::unique_ptr<Stage> stage_;
};

// A stage that calls function(element), which makes a Task<absl::StatusOr<U>>,
// for each of `elements`: a range, an AsyncGenerator or another Transform. At
// most `limit` calls are in progress or have results that nobody has taken yet;
// the results, each a U, come in the order of the elements.
//
// The first error of any stage, or exception, ends the whole pipeline with it:
// calls in progress are cancelled and awaited, a generator is closed.
//
// Threads:  the calls may run on different workers at the same time.
// Borrows:  a range that is an lvalue or a view, until the pipeline has ended.
//           What else was given is owned, and the function may move from the
//           element: it lives until its call has ended, as the function does.
//           More of that, and of elements that point into their generator, at
//           ParallelForEach.
// Requires: a limit of at least 1.
// Cost:     memory for `limit` results, here; for an element two frames from
//           the pool, the function's and one to take the result, and five
//           locks.
template <Elemental Elements, typename Function>
  requires(
      StatusLike<sources::ResultForEach<Function, sources::For<Elements>>> &&
      !std::same_as<sources::ResultForEach<Function, sources::For<Elements>>,
                    absl::Status>)
auto Transform(Elements&& elements, std::size_t limit, Function function) {
  ABSL_RAW_CHECK(limit > 0, "a Transform with no calls at a time has no end");
  using Stage = TransformStage<sources::For<Elements>, Function>;
  return Transformed<sources::For<Elements>, Function>(
      std::make_unique<Stage>(sources::Of(std::forward<Elements>(elements)),
                              limit, std::move(function)));
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_TRANSFORM_H_
