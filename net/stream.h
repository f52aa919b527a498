// What TCP, TLS and an in-memory pipe have in common, and all that HTTP or
// Postgres needs to know about any of them.
//
// Rejected: an abstract class (a virtual call and a frame on the heap for every
// read of every stream, to serve the few that need to hold streams of several
// kinds in one variable).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_STREAM_H_
#define WEFT_NET_STREAM_H_

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Several pieces that are written as if they were one.
using ByteParts = std::span<const std::span<const std::byte>>;

// Several pieces that are read into as if they were one.
using MutableByteParts = std::span<const std::span<std::byte>>;

// Read returns 0 only at the end of the stream, or when there is no room in
// `into`. Fixed is what an operation awaits to, not its type: a TCP read is an
// awaiter that allocates nothing, a TLS read is a Task.
template <typename S>
concept ByteSource = requires(S& stream, std::span<std::byte> into) {
  { stream.Read(into) } -> AwaitsTo<absl::StatusOr<std::size_t>>;
};

// Write and WriteVectored may take fewer bytes than offered, but some.
template <typename S>
concept ByteSink =
    requires(S& stream, std::span<const std::byte> from, ByteParts parts) {
      { stream.Write(from) } -> AwaitsTo<absl::StatusOr<std::size_t>>;
      { stream.WriteVectored(parts) } -> AwaitsTo<absl::StatusOr<std::size_t>>;
    };

template <typename S>
concept ByteStream = ByteSource<S> && ByteSink<S>;

// What a try gives: what the operation would, or nothing where it would wait.
using Tried = std::optional<absl::StatusOr<std::size_t>>;

// As stream.Read, but never suspends. Nothing, too, where the stream has no
// TryRead.
//
// Rejected: that every stream must have one. To write a stream of one's own is
// to write Read and Write; whoever tries, and is given nothing, awaits.
template <ByteSource S>
Tried TryRead(S& stream, std::span<std::byte> into) {
  if constexpr (requires {
                  { stream.TryRead(into) } -> std::same_as<Tried>;
                }) {
    return stream.TryRead(into);
  }
  return std::nullopt;
}

// As stream.Write, but never suspends. Nothing, too, where the stream has no
// TryWrite.
template <ByteSink S>
Tried TryWrite(S& stream, std::span<const std::byte> from) {
  if constexpr (requires {
                  { stream.TryWrite(from) } -> std::same_as<Tried>;
                }) {
    return stream.TryWrite(from);
  }
  return std::nullopt;
}

// Writes all of `bytes` or reports why it could not. (TcpStream has a WriteAll
// of its own, without a frame.)
//
// Suspends: whenever the stream's buffer is full.
// Cancel:   an unknown prefix has been written; close the stream.
// Borrows:  `stream` and `bytes` until the task finishes.
// Errors:   whatever stream.Write reports.
template <ByteSink S>
Task<absl::Status> WriteAll(S& stream, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    absl::StatusOr<std::size_t> taken = co_await stream.Write(bytes);
    if (!taken.ok()) co_return std::move(taken).status();
    bytes = bytes.subspan(*taken);
  }
  co_return absl::OkStatus();
}

// That a stream has ended after `filled` of `wanted` bytes: OUT_OF_RANGE before
// the first, DATA_LOSS after some.
inline absl::Status EndedEarly(std::size_t filled, std::size_t wanted) {
  if (filled == 0) {
    return absl::OutOfRangeError(absl::StrCat("the stream ended where ", wanted,
                                              " bytes were to begin"));
  }
  return absl::DataLossError(absl::StrCat("the stream ended after ", filled,
                                          " of ", wanted, " bytes"));
}

// Fills all of `into`.
//
// Suspends: until that many bytes have come.
// Cancel:   an unknown number of bytes has been read and is lost; close the
//           stream, or use a buffered reader, which keeps them.
// Borrows:  `stream` and `into` until the task finishes.
// Errors:   OUT_OF_RANGE where the stream ends before the first byte: the peer
//           had nothing more to say. DATA_LOSS where it ends after some: the
//           peer vanished in the middle. Else whatever stream.Read reports.
template <ByteSource S>
Task<absl::Status> ReadExactly(S& stream, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    absl::StatusOr<std::size_t> got =
        co_await stream.Read(into.subspan(filled));
    if (!got.ok()) co_return std::move(got).status();
    if (*got == 0) co_return EndedEarly(filled, into.size());
    filled += *got;
  }
  co_return absl::OkStatus();
}

}  // namespace weft::net

#endif  // WEFT_NET_STREAM_H_
