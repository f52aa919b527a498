// PartList: what is left of several pieces that are written as if they were
// one, when a write has taken some of it.
//
//     pieces   [ gone ][ go|ne ][ left ][ left ]
//                          ^
//                          taken_ bytes of the first that is left
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PART_LIST_H_
#define WEFT_NET_PART_LIST_H_

#include <cstddef>
#include <span>

#include "weft/net/stream.h"

namespace weft::net {

// Borrows: the pieces, and the list of them.
class PartList {
 public:
  explicit PartList(ByteParts parts) noexcept : parts_(parts) {
    for (const std::span<const std::byte> part : parts) size_ += part.size();
  }

  // Bytes that are left.
  std::size_t size() const noexcept { return size_; }

  // The first pieces of what is left, as many as `into` has room for; how many
  // those are.
  std::size_t Gather(std::span<std::span<const std::byte>> into) const noexcept;

  // So many of them are taken. Requires: no more than size().
  void Drop(std::size_t count) noexcept;

 private:
  ByteParts parts_;
  std::size_t taken_ = 0;
  std::size_t size_ = 0;
};

}  // namespace weft::net

#endif  // WEFT_NET_PART_LIST_H_
