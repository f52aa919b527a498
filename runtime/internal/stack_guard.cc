// The slow half of Transfer, compiled once for every build: a user's g++ -O0
// may instantiate coroutines against a library built at -O2.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/stack_guard.h"

#include <utility>

#include "weft/runtime/current.h"

namespace weft::internal {

std::coroutine_handle<> GuardedTransfer(std::coroutine_handle<> next) noexcept {
  ThisThread& here = Here();
  const char* depth = static_cast<const char*>(__builtin_frame_address(0));
  if (here.stack_base == nullptr || here.stack_base - depth < kMaxDepth) {
    return next;
  }
  here.deferred = next;
  return std::noop_coroutine();
}

void Resume(ThisThread& here, std::coroutine_handle<> next) {
  // Saved and restored: a coroutine may drive another one by hand, as a
  // synchronous generator does.
  const char* const outer_base = std::exchange(
      here.stack_base, static_cast<const char*>(__builtin_frame_address(0)));
  do {
    next.resume();
    next = std::exchange(here.deferred, nullptr);
  } while (next);
  here.stack_base = outer_base;
}

}  // namespace weft::internal
