// ReadSome: a read into a buffer that is taken when there is something to read.
//
//     wait for the stream          no buffer
//     lease a buffer, read         20 KiB, still warm from the last connection
//     use bytes()
//     drop the LeasedBytes         no buffer
//
// Read(span) holds its memory for as long as it waits, which for most
// connections is most of their life.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_LEASED_READ_H_
#define WEFT_NET_LEASED_READ_H_

#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net {

// What ReadSome has read, and the buffer it lies in. Empty at the end of the
// stream, and then it holds no buffer.
class LeasedBytes {
 public:
  LeasedBytes() = default;
  // The first `size` bytes of `lease`.
  LeasedBytes(BufferLease lease, std::size_t size) noexcept
      : lease_(std::move(lease)), size_(size) {
    if (size == 0) lease_.Return();
  }
  LeasedBytes(LeasedBytes&& other) noexcept
      : lease_(std::move(other.lease_)), size_(std::exchange(other.size_, 0)) {}
  LeasedBytes& operator=(LeasedBytes&& other) noexcept {
    lease_ = std::move(other.lease_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  std::span<std::byte> bytes() const noexcept {
    return lease_.bytes().first(size_);
  }
  bool empty() const noexcept { return size_ == 0; }

  // The buffer, for who goes on to read into what is left of it.
  BufferLease TakeLease() && noexcept {
    size_ = 0;
    return std::move(lease_);
  }

 private:
  BufferLease lease_;
  std::size_t size_ = 0;
};

// A source that holds no buffer while it waits.
template <typename S>
concept LeasingSource = ByteSource<S> && requires(S& stream) {
  { stream.ReadSome() } -> AwaitsTo<absl::StatusOr<LeasedBytes>>;
};

// Reads what is there into a leased buffer; empty bytes at the end.
//
// Suspends: until something is there.
// Cancel:   CANCELLED; nothing has been read.
// Borrows:  `stream`, until the wait is over.
// Errors:   whatever the stream reports.
// Cost:     where the stream has no ReadSome of its own, a frame, and the
//           buffer is held while it waits.
template <LeasingSource S>
auto ReadSome(S& stream) {
  return stream.ReadSome();
}
template <ByteSource S>
Task<absl::StatusOr<LeasedBytes>> ReadSome(S& stream) {
  BufferLease lease = BufferLease::Take();
  const std::size_t got = co_await OrReturn(stream.Read(lease.bytes()));
  co_return LeasedBytes(std::move(lease), got);
}

}  // namespace weft::net

#endif  // WEFT_NET_LEASED_READ_H_
