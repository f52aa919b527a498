// ByteParts: several pieces of memory that are read or written as if they were
// one.
//
//     const std::array<std::span<const std::byte>, 2> parts = {header, body};
//     co_await OrReturn(file.WriteVectored(parts));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_BYTE_PARTS_H_
#define WEFT_FS_BYTE_PARTS_H_

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace weft::fs {

using ByteParts = std::span<const std::span<const std::byte>>;
using MutableByteParts = std::span<const std::span<std::byte>>;

// The parts as the system takes them: the first kMost that hold anything, and
// `room` bytes of them at most. The caller of a read or a write loops anyway.
//
// Empty parts are left out, lest a row of them look like all that there is.
//
// Borrows: the bytes; not the parts.
class IoVectors {
 public:
  IoVectors(ByteParts parts, std::size_t room) noexcept { Take(parts, room); }
  IoVectors(MutableByteParts parts, std::size_t room) noexcept {
    Take(parts, room);
  }

  const iovec* data() const noexcept { return vectors_.data(); }
  int count() const noexcept { return static_cast<int>(count_); }

 private:
  // As many as every system takes at once (POSIX: _XOPEN_IOV_MAX).
  static constexpr std::size_t kMost = 16;

  template <typename Parts>
  void Take(Parts parts, std::size_t room) noexcept {
    for (const auto part : parts) {
      if (part.empty()) continue;
      if (count_ == kMost || room == 0) break;
      const std::size_t size = std::min(part.size(), room);
      // The interface of the calls is older than const.
      vectors_[count_++] = {const_cast<std::byte*>(part.data()), size};
      room -= size;
    }
  }

  std::array<iovec, kMost> vectors_;
  std::size_t count_ = 0;
};

}  // namespace weft::fs

#endif  // WEFT_FS_BYTE_PARTS_H_
