// Growing and letting go.
//
// Bytes are moved by std::copy_n, here and beside, and not by
// std::ranges::copy: of that one, between spans, g++ 12 makes a loop over 16
// bytes at a time, which takes twice as long as memmove.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/cipher_buffer.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace weft::net::tls {

void CipherBuffer::Consume(std::size_t count) noexcept {
  begin_ += count;
  Commit(0);
}

std::span<std::byte> CipherBuffer::Room(std::size_t size) noexcept {
  if (capacity_ - end_ < size) {
    const std::span<const std::byte> kept = contents();
    // Twice as much as before, so that many small pieces are not copied often.
    const std::size_t capacity = std::max(kept.size() + size, 2 * kept.size());
    std::unique_ptr<std::byte[]> bytes(new (std::nothrow) std::byte[capacity]);
    if (bytes == nullptr) return {};
    std::copy_n(kept.begin(), kept.size(), bytes.get());
    end_ = kept.size();
    begin_ = 0;
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }
  return std::span(bytes_.get() + end_, size);
}

void CipherBuffer::Commit(std::size_t count) noexcept {
  end_ += count;
  if (!empty()) return;
  bytes_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

bool CipherBuffer::Append(std::span<const std::byte> bytes) noexcept {
  const std::span<std::byte> room = Room(bytes.size());
  if (room.size() < bytes.size()) return false;
  std::copy_n(bytes.begin(), bytes.size(), room.begin());
  Commit(bytes.size());
  return true;
}

}  // namespace weft::net::tls
