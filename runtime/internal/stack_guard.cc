// The slow half of Transfer, compiled once for every build: a user's g++ -O0
// may instantiate coroutines against a library built at -O2.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/stack_guard.h"

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

void MarkStackBase(ThisThread& here) noexcept {
  here.stack_base = static_cast<const char*>(__builtin_frame_address(0));
}

}  // namespace weft::internal
