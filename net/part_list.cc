// Counting off pieces.
//
// SPDX-License-Identifier: MIT

#include "weft/net/part_list.h"

namespace weft::net {

std::size_t PartList::Gather(
    std::span<std::span<const std::byte>> into) const noexcept {
  std::size_t gathered = 0;
  std::size_t taken = taken_;
  for (const std::span<const std::byte> part : parts_) {
    if (gathered == into.size()) break;
    const std::span<const std::byte> left = part.subspan(taken);
    taken = 0;
    if (!left.empty()) into[gathered++] = left;
  }
  return gathered;
}

void PartList::Drop(std::size_t count) noexcept {
  size_ -= count;
  taken_ += count;
  while (!parts_.empty() && taken_ >= parts_.front().size()) {
    taken_ -= parts_.front().size();
    parts_ = parts_.subspan(1);
  }
}

}  // namespace weft::net
