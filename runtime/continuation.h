// Continuation: who goes on when a wait or a coroutine is over.
//
// Every suspended coroutine is waited for by exactly one of two things:
//
//     a coroutine of ours   resume its frame: the common case, one jump
//     a Runnable            a step that must happen first: a fork counts its
//                           branch, OrReturn looks for an error, a socket read
//                           tries its system call again
//
// Both fit in one word, told apart by its lowest bit. A Runnable answers with
// the next Continuation, and Resolve() follows the answers in a loop. That is
// why an error can travel up through a million callers on a flat stack. Nobody
// at all (a generator asked by a plain function) is a step without a Runnable:
// so one test of one bit tells the common case from everything else.
//
// Rejected: a virtual object for both (an indirect call and a second pointer
// for every await); a std::coroutine_handle<> with a coroutine for each step (a
// frame for each step).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_CONTINUATION_H_
#define WEFT_RUNTIME_CONTINUATION_H_

#include <concepts>
#include <coroutine>
#include <cstdint>

namespace weft {

class PromiseBase;
class Continuation;

namespace internal {
struct ThisThread;
}

// A step between two coroutines, or the first step of one. The thread is handed
// to it, and it answers who gets the thread next.
class Runnable {
 public:
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  // Called once for each time it was scheduled or named as a continuation, on
  // the thread that `here` describes. `*this` may be gone when it returns.
  virtual Continuation Run(internal::ThisThread& here) noexcept = 0;

  // Asked before what this step waits for is granted, where it waits for
  // several things (selection.h). False: it has got another of them, and is to
  // be left out.
  virtual bool Claim() noexcept { return true; }

  // The coroutine on whose behalf this step waits, for the asynchronous stack;
  // null at the root of a task.
  virtual PromiseBase* awaiting_promise() const noexcept = 0;

 protected:
  ~Runnable() = default;
};

class Continuation {
 public:
  // Nobody: the thread goes back to its worker's loop.
  Continuation() noexcept : word_(kNobody) {}

  // Has no value yet; for a member that is assigned before anybody reads it.
  struct SetLater {};
  explicit Continuation(SetLater /*tag*/) noexcept {}

  // Implicit, so that an awaiter may declare `await_suspend(Continuation)` and
  // be awaited by any coroutine of this library.
  template <std::derived_from<PromiseBase> Promise>
  Continuation(std::coroutine_handle<Promise> coroutine) noexcept  // NOLINT
      : word_(reinterpret_cast<std::uintptr_t>(coroutine.address())) {}
  Continuation(Runnable& step) noexcept  // NOLINT(google-explicit-constructor)
      : word_(reinterpret_cast<std::uintptr_t>(&step) | kRunnable) {}

  bool empty() const noexcept { return word_ == kNobody; }

  // Runs every step that comes first and returns the coroutine to resume;
  // std::noop_coroutine() where there is nobody.
  std::coroutine_handle<> Resolve() const noexcept {
    if ((word_ & kRunnable) == 0) [[likely]]
      return coroutine();
    return RunSteps(*this);
  }

  // As above, where the caller has looked up its thread already.
  std::coroutine_handle<> Resolve(internal::ThisThread& here) const noexcept {
    if ((word_ & kRunnable) == 0) [[likely]]
      return coroutine();
    return RunSteps(*this, here);
  }

  // Requires: it is a Runnable.
  bool Claim() const noexcept { return step().Claim(); }

  // The suspended coroutine that goes on, or on whose behalf a step waits.
  PromiseBase* promise() const noexcept;

 private:
  static constexpr std::uintptr_t kRunnable = 1;
  static constexpr std::uintptr_t kNobody = kRunnable;

  std::coroutine_handle<> coroutine() const noexcept {
    return std::coroutine_handle<>::from_address(
        reinterpret_cast<void*>(word_));
  }
  Runnable& step() const noexcept {
    return *reinterpret_cast<Runnable*>(word_ & ~kRunnable);
  }
  // By value: a Continuation whose address nobody takes stays in a register.
  [[gnu::noinline]] static std::coroutine_handle<> RunSteps(
      Continuation first) noexcept;
  static std::coroutine_handle<> RunSteps(Continuation next,
                                          internal::ThisThread& here) noexcept;

  std::uintptr_t word_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_CONTINUATION_H_
