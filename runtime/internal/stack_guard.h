// Transfer: jumps to another coroutine on a flat stack, with every compiler.
//
// A handle returned from await_suspend is resumed by the compiler. Clang always
// turns that into a jump. g++ 12 does so only with -foptimize-sibling-calls
// (our build and weft.pc pass it on), and never at -O0 without it or under its
// own address and thread sanitizers; there each transfer would leave a stack
// frame behind. So in those builds Transfer measures the stack: once it is
// deeper than kMaxDepth below the worker's base, the handle is left with the
// thread and noop is returned; the stack unwinds to the innermost Resume(),
// which goes on from there. Elsewhere Transfer compiles to nothing.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_STACK_GUARD_H_
#define WEFT_RUNTIME_INTERNAL_STACK_GUARD_H_

#include <coroutine>
#include <cstddef>
#include <utility>

#include "weft/runtime/current.h"

namespace weft::internal {

// g++ without a jump: remove when the oldest supported g++ transfers at -O0.
#if defined(__GNUC__) && !defined(__clang__) &&                 \
    (!defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || \
     defined(__SANITIZE_THREAD__))
inline constexpr bool kTransferNeedsGuard = true;
#else
inline constexpr bool kTransferNeedsGuard = false;
#endif

inline constexpr std::ptrdiff_t kMaxDepth = 64 * 1024;

// Returns `next`, or leaves it with the thread when the stack is deep.
std::coroutine_handle<> GuardedTransfer(std::coroutine_handle<> next) noexcept;

inline std::coroutine_handle<> Transfer(std::coroutine_handle<> next) noexcept {
  if constexpr (kTransferNeedsGuard) return GuardedTransfer(next);
  return next;
}

// Marks the caller's place on the stack as the one that depth is measured from:
// a worker's loop, or where a plain thread first resumed something.
void MarkStackBase(ThisThread& here) noexcept;

// Resumes `next` and whatever is left with the thread meanwhile. The only place
// that calls resume(). It may nest: a coroutine may drive another by hand.
// Requires: MarkStackBase was called on this thread.
inline void ResumeMarked(ThisThread& here, std::coroutine_handle<> next) {
  next.resume();
  while (here.deferred) [[unlikely]]
    std::exchange(here.deferred, nullptr).resume();
}

// As above, on any thread.
inline void Resume(ThisThread& here, std::coroutine_handle<> next) {
  if (here.stack_base == nullptr) [[unlikely]]
    MarkStackBase(here);
  ResumeMarked(here, next);
}

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_STACK_GUARD_H_
