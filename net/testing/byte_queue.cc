// In at the back, out at the front.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/byte_queue.h"

#include <algorithm>
#include <utility>

namespace weft::net::testing {

void ByteQueue::Append(std::vector<std::byte> piece) {
  if (piece.empty()) return;
  size_ += piece.size();
  pieces_.push_back(std::move(piece));
}

std::size_t ByteQueue::Copy(std::span<std::byte> into) const {
  std::size_t copied = 0;
  std::size_t skip = taken_;
  for (const std::vector<std::byte>& piece : pieces_) {
    const auto rest = std::span(piece).subspan(std::exchange(skip, 0));
    const std::size_t count = std::min(rest.size(), into.size() - copied);
    std::copy_n(rest.begin(), count, into.subspan(copied).begin());
    copied += count;
    if (copied == into.size()) break;
  }
  return copied;
}

std::size_t ByteQueue::Take(std::span<std::byte> into) {
  const std::size_t count = Copy(into);
  size_ -= count;
  taken_ += count;
  while (!pieces_.empty() && taken_ >= pieces_.front().size()) {
    taken_ -= pieces_.front().size();
    pieces_.pop_front();
  }
  return count;
}

void ByteQueue::Clear() noexcept {
  pieces_.clear();
  taken_ = size_ = 0;
}

}  // namespace weft::net::testing
