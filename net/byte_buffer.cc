// Making room, and as little moving as possible; the header has the picture.
//
// SPDX-License-Identifier: MIT

#include "weft/net/byte_buffer.h"

#include <algorithm>
#include <cstring>

namespace weft::net {
namespace {

// memcpy and memmove want no null pointer, not even for nothing.
void Move(std::byte* to, std::span<const std::byte> from) noexcept {
  if (!from.empty()) std::memmove(to, from.data(), from.size());
}

}  // namespace

std::span<std::byte> ByteBuffer::MakeRoom(std::size_t at_least) {
  if (empty()) begin_ = end_ = 0;
  if (capacity_ - end_ < at_least) {
    const std::size_t needed = size() + at_least;
    if (needed <= capacity_) {
      Move(memory(), bytes());
      end_ -= std::exchange(begin_, 0);
    } else {
      MoveToNew(std::max(needed, 2 * capacity_), /*in_front=*/0);
    }
  }
  return {memory() + end_, capacity_ - end_};
}

void ByteBuffer::Append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  Move(MakeRoom(bytes.size()).data(), bytes);
  Filled(bytes.size());
}

void ByteBuffer::Append(LeasedBytes bytes) noexcept {
  GiveBack();
  if (bytes.empty()) return;
  end_ = bytes.bytes().size();
  capacity_ = BufferLease::kSize;
  lease_ = std::move(bytes).TakeLease();
}

std::size_t ByteBuffer::Take(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), size());
  Move(into.data(), bytes().first(count));
  Drop(count);
  return count;
}

void ByteBuffer::PutBack(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (begin_ < bytes.size()) {
    MoveToNew(bytes.size() + size(), bytes.size());
  }
  begin_ -= bytes.size();
  Move(memory() + begin_, bytes);
}

void ByteBuffer::GiveBack() noexcept {
  lease_.Return();
  heap_.reset();
  capacity_ = begin_ = end_ = 0;
}

void ByteBuffer::MoveToNew(std::size_t capacity, std::size_t in_front) {
  BufferLease lease;
  std::unique_ptr<std::byte[]> heap;
  if (capacity <= BufferLease::kSize) {
    lease = BufferLease::Take();
    capacity = BufferLease::kSize;
  } else {
    heap = std::make_unique_for_overwrite<std::byte[]>(capacity);
  }
  std::byte* const there = heap != nullptr ? heap.get() : lease.bytes().data();
  Move(there + in_front, bytes());
  end_ = in_front + size();
  begin_ = in_front;
  capacity_ = capacity;
  heap_ = std::move(heap);
  lease_ = std::move(lease);
}

}  // namespace weft::net
