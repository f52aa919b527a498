// CopyStream: everything that comes out of one stream goes into another.
//
//     co_await OrReturn(CopyStream(client, server));   // A proxy's one half.
//
// Between two sockets the bytes stay in the kernel, where the system can do
// that (splice(2)): from the one into a pipe, and out of it into the other.
//
//     from --splice--> [ pipe ] --splice--> to
//
// Otherwise they pass through a buffer, which is held only while there is
// something in it where the source can do without (LeasingSource).
//
// Rejected: to keep the pipes of connections that are through for the next one
// (two descriptors a thread, for ever, to save two calls a connection).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_COPY_STREAM_H_
#define WEFT_NET_COPY_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/leased_read.h"
#include "weft/net/socket_ends.h"
#include "weft/net/stream.h"
#include "weft/net/stream_socket.h"
#include "weft/reactor/source.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net {

// relaxed: a count, which carries no data.
inline void CountCopied(Atomic<std::uint64_t>* so_far,
                        std::size_t bytes) noexcept {
  if (so_far != nullptr) so_far->fetch_add(bytes, std::memory_order_relaxed);
}

// Copies until `from` ends, and gives how many bytes that were. `to` stays
// open, both ways: ShutdownWrite tells its peer that this was all.
//
// Suspends: while nothing comes, and while `to` takes nothing.
// Cancel:   CANCELLED; an unknown part has been copied, and some of what was
//           read may not have been written. Close both.
// Borrows:  both streams, and `so_far`, to which what has been written is added
//           as it goes: for whoever looks whether it does, or wants to know
//           after an error. It may be the one of several copies.
// Errors:   whatever reading and writing report.
template <ByteSource From, ByteSink To>
Task<absl::StatusOr<std::uint64_t>> CopyThroughBuffer(
    From& from, To& to, Atomic<std::uint64_t>* so_far = nullptr) {
  std::vector<std::byte> buffer;
  if constexpr (!LeasingSource<From>) buffer.resize(std::size_t{64} * 1024);
  std::uint64_t copied = 0;
  for (;;) {
    LeasedBytes leased;
    std::span<const std::byte> rest;
    if constexpr (LeasingSource<From>) {
      leased = co_await OrReturn(from.ReadSome());
      rest = leased.bytes();
    } else {
      const std::size_t got =
          co_await OrReturn(from.Read(std::span<std::byte>(buffer)));
      rest = std::span(buffer).first(got);
    }
    if (rest.empty()) co_return copied;
    while (!rest.empty()) {
      const std::size_t written = co_await OrReturn(to.Write(rest));
      rest = rest.subspan(written);
      copied += written;
      CountCopied(so_far, written);
    }
  }
}

// How far it got. What was read is written; the rest, and whether there is one,
// is for others to find.
struct Spliced {
  std::uint64_t bytes = 0;
  bool unsupported = false;
};

// The part of CopyStream that the kernel does.
//
// Suspends: as CopyThroughBuffer.
// Cancel:   as CopyThroughBuffer.
// Borrows:  all of them.
Task<absl::StatusOr<Spliced>> SpliceAll(
    reactor::Source& from, ReadEnd& read, reactor::Source& to,
    const WriteEnd& write, Atomic<std::uint64_t>* so_far = nullptr);

// A stream whose descriptor the kernel can splice: a StreamSocket, or a half.
template <typename S>
concept HasReadEnd = requires(S& stream) {
  { stream.source() };
  { stream.read_end() };
};
template <typename S>
concept HasWriteEnd = requires(S& stream) {
  { stream.source() };
  { stream.write_end() };
};

// As CopyThroughBuffer; the kernel's way where it can be had.
//
// Suspends: while nothing comes, and while `to` takes nothing.
// Cancel:   CANCELLED; an unknown part has been copied. Close both.
// Borrows:  both streams, and `so_far` as CopyThroughBuffer does.
// Errors:   whatever reading and writing report. (Where there are no
//           descriptors for the pipe, it does without.)
template <ByteSource From, ByteSink To>
Task<absl::StatusOr<std::uint64_t>> CopyStream(
    From& from, To& to, Atomic<std::uint64_t>* so_far = nullptr) {
  std::uint64_t copied = 0;
  if constexpr (HasReadEnd<From> && HasWriteEnd<To>) {
    const Spliced spliced = co_await OrReturn(SpliceAll(
        from.source(), from.read_end(), to.source(), to.write_end(), so_far));
    if (!spliced.unsupported) co_return spliced.bytes;
    copied = spliced.bytes;
  }
  const std::uint64_t rest =
      co_await OrReturn(CopyThroughBuffer(from, to, so_far));
  co_return copied + rest;
}

}  // namespace weft::net

#endif  // WEFT_NET_COPY_STREAM_H_
