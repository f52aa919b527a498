// ByteBuffer: bytes in a row that go in at one end and out at the other. What
// buffered readers and writers have in common.
//
//     memory   | gone |  b y t e s  |  room  |
//              0    begin          end     capacity
//
// Where the memory comes from depends on how much is needed:
//
//     nothing in it    none          given back at GiveBack
//     up to 20 KiB     a lease       a reader may bring the one it read into
//     more             the heap      doubled each time
//
// Invariants
//   1. The bytes lie in one piece, so that a view of any of them is one span.
//   2. Drop leaves the memory as it is: what was dropped can be looked at until
//      the next call that makes room or gives back.
//   3. Bytes are moved to the front only where the room behind them does not
//      suffice, and to larger memory only where that does not suffice either.
//      A reader asks for room in the middle of a message and takes out whole
//      ones, so no byte is moved more than once before the memory grows; and
//      that is a lease, or less than twice what it had to hold.
//
// Rejected: a ring (a line that goes around its end is no view); a list of
// buffers (neither).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_BYTE_BUFFER_H_
#define WEFT_NET_BYTE_BUFFER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "weft/net/leased_read.h"
#include "weft/runtime/buffer_lease.h"

namespace weft::net {

// Threads: one at a time.
// Errors:  std::bad_alloc from what needs memory; nothing has changed then.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : lease_(std::move(other.lease_)),
        heap_(std::move(other.heap_)),
        capacity_(std::exchange(other.capacity_, 0)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&&) = delete;  // Would lose what is in it.

  std::span<const std::byte> bytes() const noexcept {
    return {memory() + begin_, size()};
  }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  // 0 where it holds no memory.
  std::size_t capacity() const noexcept { return capacity_; }

  // --- In at the end --------------------------------------------------------

  // All the room behind the bytes, after making it `at_least` that large.
  // Fill some of it, and say so.
  std::span<std::byte> MakeRoom(std::size_t at_least = 1);
  void Filled(std::size_t count) noexcept { end_ += count; }

  void Reserve(std::size_t size) {
    if (size > 0) MakeRoom(size);
  }
  void Append(std::span<const std::byte> bytes);
  // Requires: empty(). What was its memory is given back.
  void Append(LeasedBytes bytes) noexcept;

  // --- Out at the front -----------------------------------------------------

  // Requires: count <= size().
  void Drop(std::size_t count) noexcept { begin_ += count; }
  // Drops as much as fits into `into`, and copies it there. How much that is.
  std::size_t Take(std::span<std::byte> into) noexcept;
  // Puts bytes in front of all that are there: who took them has changed his
  // mind.
  void PutBack(std::span<const std::byte> bytes);

  // Requires: empty(). Holds no memory afterwards.
  void GiveBack() noexcept;

 private:
  std::byte* memory() const noexcept {
    return heap_ != nullptr ? heap_.get() : lease_.bytes().data();
  }
  // Moves everything into new memory of that size, with `in_front` bytes of
  // room before it.
  void MoveToNew(std::size_t capacity, std::size_t in_front);

  BufferLease lease_;
  std::unique_ptr<std::byte[]> heap_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace weft::net

#endif  // WEFT_NET_BYTE_BUFFER_H_
