// The count of what was dropped.
//
// SPDX-License-Identifier: MIT

#include "weft/net/buffered_writer.h"

#include "weft/runtime/atomic.h"

namespace weft::net {
namespace {

// Of the process, since the bug that it shows is one of the program, and a
// writer may be destroyed outside of any runtime.
//
// relaxed throughout: a number, for people to look at.
constinit Atomic<std::uint64_t> dropped_bytes{0};

}  // namespace

std::uint64_t DroppedBytes() noexcept {
  return dropped_bytes.load(std::memory_order_relaxed);
}

void CountDroppedBytes(std::size_t count) noexcept {
  if (count == 0) return;
  dropped_bytes.fetch_add(count, std::memory_order_relaxed);
}

}  // namespace weft::net
