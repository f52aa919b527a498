// ByteQueue: bytes of a simulated stream that wait to be sent, or to be read.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_BYTE_QUEUE_H_
#define WEFT_NET_TESTING_BYTE_QUEUE_H_

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace weft::net::testing {

// Pieces, as they came: a piece that arrives is moved in and never copied until
// somebody reads it.
class ByteQueue {
 public:
  void Append(std::vector<std::byte> piece);

  // Fills `into` from the front as far as it goes, and tells how far that was.
  // Copy leaves the bytes where they are.
  std::size_t Take(std::span<std::byte> into);
  std::size_t Copy(std::span<std::byte> into) const;

  void Clear() noexcept;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  std::deque<std::vector<std::byte>> pieces_;  // None of them is empty.
  std::size_t taken_ = 0;                      // Of the first.
  std::size_t size_ = 0;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_BYTE_QUEUE_H_
