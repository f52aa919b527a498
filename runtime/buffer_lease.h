// BufferLease: 20 KiB for as long as they are needed.
//
//     BufferLease lease = BufferLease::Take();
//     ... lease.bytes() ...                        // Goes back by itself.
//
// Ten thousand connections of which most are silent need no buffer most of the
// time. So whoever waits for bytes takes one when they are there, and gives it
// back before it waits again: it comes from a list of the thread's own, last
// in, first out, and is still in its cache (internal/buffer_shelf.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_BUFFER_LEASE_H_
#define WEFT_RUNTIME_BUFFER_LEASE_H_

#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "weft/runtime/internal/buffer_shelf.h"

namespace weft {

// Empty, or the right to one buffer, whose bytes are uninitialised.
//
// Threads: any; it may be given back on another thread than it was taken on.
class BufferLease {
 public:
  static constexpr std::size_t kSize = internal::kLeasedBufferSize;

  // Throws std::bad_alloc when memory runs out; TryTake gives an empty one.
  // Cost: a nanosecond or two; an allocation where none is free.
  static BufferLease Take() {
    BufferLease lease = TryTake();
    if (!lease) throw std::bad_alloc();
    return lease;
  }
  static BufferLease TryTake() noexcept {
    return BufferLease(static_cast<std::byte*>(internal::TakeBuffer()));
  }

  BufferLease() = default;
  BufferLease(BufferLease&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)) {}
  // Gives back what was leased before.
  BufferLease& operator=(BufferLease&& other) noexcept {
    BufferLease(std::move(other)).swap(*this);
    return *this;
  }
  ~BufferLease() { Return(); }

  // All of it; nothing of an empty one.
  std::span<std::byte> bytes() const noexcept {
    return {buffer_, buffer_ == nullptr ? 0 : kSize};
  }
  explicit operator bool() const noexcept { return buffer_ != nullptr; }

  // Gives the buffer back now. It is empty afterwards.
  void Return() noexcept {
    std::byte* const buffer = std::exchange(buffer_, nullptr);
    if (buffer != nullptr) internal::ReturnBuffer(buffer);
  }
  void swap(BufferLease& other) noexcept { std::swap(buffer_, other.buffer_); }

 private:
  explicit BufferLease(std::byte* buffer) noexcept : buffer_(buffer) {}

  std::byte* buffer_ = nullptr;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_BUFFER_LEASE_H_
