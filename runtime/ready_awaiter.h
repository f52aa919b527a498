// The bridge between the reactor, which knows no coroutine, and the runtime,
// which knows no descriptor. It is the only such bridge.
//
//     WaitReady(source, direction)            waits for a hint
//     WhenReady(source, direction, attempt)   tries, waits, tries again
//
// The second is what streams are made of: `attempt` makes one system call, and
// the coroutine is resumed only when that has given an answer. A wake that
// turns out to be for nothing costs a system call, never a resume.
//
// The lost-wake-up argument. Readiness is taken (ready -> idle) immediately
// before the system call. An edge that arrives after that leaves the source
// ready, so Arm refuses to wait and we try again. A canceller sets the bit in
// our context and then nudges the source, which looks like an edge: before Arm
// it makes Arm refuse, after Arm it wakes us; both ways we look at the bit
// before we wait again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_READY_AWAITER_H_
#define WEFT_RUNTIME_READY_AWAITER_H_

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "weft/reactor/source.h"
#include "weft/reactor/waiter.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/out_of_memory.h"

namespace weft {
namespace internal {

// The wait itself, without a coroutine's view of it.
class ReadyLeaf : public Leaf, protected reactor::Waiter {
 public:
  void Cancel() noexcept final { source_.Nudge(direction_); }
  WaitDescription Describe() const noexcept final;

 protected:
  ReadyLeaf(reactor::Source& source, reactor::Direction direction) noexcept
      : source_(source), direction_(direction) {}
  // Still armed only in the frame of a runtime that has stopped.
  ~ReadyLeaf() {
    if (armed_) [[unlikely]]
      source_.Disarm(direction_, *this);
  }

  // Why nobody may wait or try: CANCELLED, or closed by its owner.
  absl::Status WhyNot() const noexcept;
  // Registers the descriptor if this is its first wait.
  absl::Status Register() noexcept;
  // True: armed; from here on `*this` may be gone. False: look again.
  bool Arm() noexcept;
  // Woken: no longer armed, and the wait is retracted.
  Continuation Woken(ThisThread& here) noexcept {
    armed_ = false;
    return GoOn(here);
  }
  // A hint that the lines around `*this` are wanted soon: it lies in its
  // caller's frame, of which the beginning comes before it, and the next
  // awaiter after it. To be called before a system call, which takes
  // microseconds, and meanwhile they come: with a thousand connections they are
  // in no near cache, and to wait for them one by one is a twentieth of a
  // request.
  void PrefetchCaller() const noexcept {
    constexpr std::uintptr_t kLine = 64;
    // As many as the frame of an echo has on either side. `*this`, which is in
    // use already, has three.
    constexpr std::uintptr_t kBefore = 4;
    constexpr std::uintptr_t kOwn = 3;
    constexpr std::uintptr_t kBehind = 5;
    const auto here = reinterpret_cast<std::uintptr_t>(this);
    __builtin_prefetch(&source_);
    for (std::uintptr_t i = 1; i <= kBefore; ++i) {
      __builtin_prefetch(reinterpret_cast<const void*>(here - i * kLine));
    }
    for (std::uintptr_t i = kOwn; i < kOwn + kBehind; ++i) {
      __builtin_prefetch(reinterpret_cast<const void*>(here + i * kLine));
    }
  }

  reactor::Source& source_;
  const reactor::Direction direction_;

 private:
  void OnReady() noexcept final { Schedule(); }

  bool armed_ = false;
};

}  // namespace internal

class [[nodiscard("co_await it")]] ReadyAwaiter final
    : public internal::ReadyLeaf {
 public:
  ReadyAwaiter(reactor::Source& source, reactor::Direction direction) noexcept
      : ReadyLeaf(source, direction) {}

  bool await_ready() noexcept;
  bool await_suspend(Continuation caller) noexcept;
  absl::Status await_resume() noexcept;

  Continuation Run(internal::ThisThread& here) noexcept override {
    return Woken(here);
  }

 private:
  absl::Status status_;
  bool queue_first_ = false;
};

// Waits until `source` is ready in `direction`. A hint: the operation that
// follows loops.
//
// Suspends: until the descriptor is ready, or was so since it was last tried;
//           for a turn when the task has completed many operations without
//           waiting.
// Cancel:   CANCELLED; nothing was read or written.
// Errors:   FAILED_PRECONDITION when the owner closes it; what registering the
//           descriptor reports.
// Borrows:  `source`.
inline ReadyAwaiter WaitReady(reactor::Source& source,
                              reactor::Direction direction) noexcept {
  return ReadyAwaiter(source, direction);
}

// What one try of an operation gives: a result, or nothing if it would block.
template <typename A>
concept IoAttempt =
    requires(A& attempt) {
      { *attempt() } -> StatusLike;
    } && std::convertible_to<absl::Status,
                             typename std::invoke_result_t<A&>::value_type>;

// An attempt that would hold the worker for long stops on the way: it gives
// nothing and has paused. It is tried again, ready or not, when the others have
// had a turn.
template <typename A>
concept PausingAttempt = IoAttempt<A> && requires(const A& attempt) {
  { attempt.paused() } -> std::same_as<bool>;
};

// Whether the first try comes before the first wait.
enum class FirstTry : bool {
  kAtOnce,     // Writes; reads of a descriptor that may hold something.
  kWhenReady,  // A stream that is known to be drained; but after a hang-up or
               // urgent data, which are announced once, at once all the same.
};

template <IoAttempt Attempt>
class [[nodiscard("co_await it")]] IoAwaiter final
    : public internal::ReadyLeaf {
  using Result = typename std::invoke_result_t<Attempt&>::value_type;

 public:
  IoAwaiter(reactor::Source& source, reactor::Direction direction,
            FirstTry first_try, Attempt attempt) noexcept
      : ReadyLeaf(source, direction),
        first_try_(first_try),
        attempt_(std::move(attempt)) {}

  bool await_ready() noexcept {
    const Entry entry = EnterOperation();
    if (entry != Entry::kGo) [[unlikely]]
      return Enter(entry);
    if (first_try_ == FirstTry::kWhenReady && !source_.IsReady(direction_) &&
        !source_.reads_try_first()) {
      return false;  // Arm sees whether it is closed.
    }
    return TryNow();
  }

  bool await_suspend(Continuation caller) noexcept {
    Prepare(caller);
    if (queue_first_) [[unlikely]] {
      ScheduleFairly();  // From here on `*this` may be gone.
      return true;
    }
    return !TryUntilParked();
  }

  Result await_resume() noexcept { return *std::move(result_); }
  // In its place, for OrReturn. Requires: the wait is over.
  Result& result() noexcept { return *result_; }

  // Before it is awaited.
  Attempt& attempt() noexcept { return attempt_; }

  // Runnable: ready, nudged, or our turn again. Tries before it resumes.
  Continuation Run(internal::ThisThread& here) noexcept override {
    PrefetchCaller();
    const Continuation caller = Woken(here);
    if (TryUnlessCancelled() || TryUntilParked()) return caller;
    return {};  // Parked again: `*this` may be gone.
  }

 private:
  [[gnu::noinline]] bool Enter(Entry entry) noexcept {
    queue_first_ = entry == Entry::kQueueFirst;
    if (queue_first_) return false;
    Refuse(CancelledError());
    return true;
  }

  // These are true when there is a result.
  bool TryNow() noexcept {
    const reactor::SourcePin pin(source_);
    if (!pin) [[unlikely]] {
      Refuse(reactor::ClosedByOwnerError());
      return true;
    }
    source_.TakeReady(direction_);
    try {
      result_ = attempt_();
    } catch (const std::bad_alloc&) {
      // An error, which is not told apart: there is no memory for its text.
      Refuse(OutOfMemoryError());
    }
    return result_.has_value();
  }
  bool TryUnlessCancelled() noexcept {
    if (!context().cancelled()) [[likely]]
      return TryNow();
    Refuse(CancelledError());
    return true;
  }

  bool Paused() const noexcept {
    if constexpr (PausingAttempt<Attempt>) return attempt_.paused();
    return false;
  }

  // After a try without a result. True: another has one. False: armed or
  // queued, and `*this` may be gone.
  bool TryUntilParked() noexcept {
    do {
      if (Paused()) {
        ScheduleFairly();
        return false;
      }
      if (!source_.is_registered()) [[unlikely]] {
        if (!RegisterFirst()) return true;
      }
      if (Arm()) return false;
    } while (!TryUnlessCancelled());
    return true;
  }

  [[gnu::noinline]] bool RegisterFirst() noexcept {
    absl::Status status = Register();
    if (status.ok()) return true;
    Refuse(std::move(status));
    return false;
  }
  // Out of line, as it is hardly ever needed.
  [[gnu::noinline]] void Refuse(absl::Status why) noexcept {
    result_.emplace(std::move(why));
  }

  const FirstTry first_try_;
  bool queue_first_ = false;
  Attempt attempt_;
  std::optional<Result> result_;
};

// Runs `attempt` until it gives a result, waiting for readiness in between.
// `attempt` must not touch errno's meaning across calls: it returns nothing for
// EAGAIN and a result for everything else; or it pauses. It may throw
// std::bad_alloc, and what it has done is not told then: so where nothing may
// be lost, only before it does something, or when that has failed.
//
// Suspends: while the descriptor is not ready; and for a turn when `attempt`
//           pauses, or the task has completed many operations without waiting.
// Cancel:   CANCELLED; `attempt` has not taken effect.
// Errors:   as WaitReady, besides those of `attempt`; RESOURCE_EXHAUSTED in
//           place of one that there is no memory to tell.
// Borrows:  `source`, and what `attempt` refers to.
template <IoAttempt Attempt>
IoAwaiter<Attempt> WhenReady(reactor::Source& source,
                             reactor::Direction direction, FirstTry first_try,
                             Attempt attempt) noexcept {
  return IoAwaiter<Attempt>(source, direction, first_try, std::move(attempt));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_READY_AWAITER_H_
