// MemoryStream: a ByteStream without a socket. What is written at one end of a
// pair is read at the other.
//
//     auto [client, server] = MakeMemoryPipe();
//
//     client  Write -> BytePipe -> Read   server
//             Read  <- BytePipe <- Write
//
// For tests of protocols, which need no kernel then, run the same way every
// time and can be given the faults of a network on demand:
//
//     server.SetLargestRead(1);                       one byte at a time
//     client.FailReadsAfter(10, absl::DataLossError("gone"));
//     client.Abort();                                 the server is reset
//
// An operation that waits in it does what the same one of a TcpStream does, in
// success, error, closing and cancellation; and it has a bounded buffer, so a
// protocol that never reads what it is sent is found out here.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_MEMORY_STREAM_H_
#define WEFT_NET_MEMORY_STREAM_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "weft/net/byte_pipe.h"
#include "weft/net/stream.h"

namespace weft::net {

// Threads: one task reads and one writes at a time; they may be two. Close and
//          the faults may come from anywhere. Moving it is for when nobody uses
//          it.
class MemoryStream {
 public:
  // Reads from `in` and writes to `out`, each of which has its other end in
  // another stream. MakeMemoryPipe makes the usual pair.
  MemoryStream(std::shared_ptr<BytePipe> in,
               std::shared_ptr<BytePipe> out) noexcept
      : in_(std::move(in)), out_(std::move(out)) {}
  MemoryStream(MemoryStream&&) noexcept = default;
  MemoryStream& operator=(MemoryStream&&) = delete;  // Would have to close.
  ~MemoryStream() {
    if (in_ != nullptr) Close();
  }

  // Reads what is there, at least one byte; 0 at the end of the stream. (0 also
  // for an empty `into`.)
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream and `into`.
  // Errors:   UNAVAILABLE when the other end was aborted, FAILED_PRECONDITION
  //           when this one is closed.
  // Cost:     a lock and a copy; no allocation.
  BytePipe::ReadAwaiter Read(std::span<std::byte> into) noexcept {
    return in_->Read(into);
  }

  // As Read, but never suspends: nothing where nothing is there yet.
  Tried TryRead(std::span<std::byte> into) { return in_->TryRead(into); }

  // Writes as much as there is room for, at least one byte of a `from` that has
  // any.
  //
  // Suspends: while the buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream and `from`.
  // Errors:   UNAVAILABLE when the other end does not read any more or writing
  //           was shut down, FAILED_PRECONDITION when this end is closed.
  // Cost:     a lock and a copy; no allocation.
  BytePipe::WriteAwaiter Write(std::span<const std::byte> from) noexcept {
    return out_->Write(from);
  }

  // As Write, but never suspends: nothing where the buffer is full.
  Tried TryWrite(std::span<const std::byte> from) {
    return out_->TryWrite(from);
  }

  // As Write, of several pieces in turn.
  //
  // Suspends: while the buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream, `parts` and what they name.
  BytePipe::WriteAwaiter WriteVectored(ByteParts parts) noexcept {
    return out_->WriteVectored(parts);
  }

  // Says that nothing more will be written: the other end reads what is there,
  // and then the end. Reading goes on. FAILED_PRECONDITION when this end is
  // closed.
  absl::Status ShutdownWrite() { return out_->End(); }

  // Closes this end. Whoever waits on it gets FAILED_PRECONDITION, as does
  // everything done with it from now on. The other end reads what is there, and
  // then the end, and can write no more. Idempotent.
  void Close() noexcept {
    in_->CloseReading();
    out_->CloseWriting();
  }

  // As Close, but what the other end has not read is thrown away, and it gets
  // UNAVAILABLE instead of the end.
  void Abort() noexcept {
    out_->Reset();
    Close();
  }

  // --- Faults ---------------------------------------------------------------

  // No operation of this end moves more bytes than that; at least one.
  void SetLargestRead(std::size_t bytes) noexcept {
    in_->SetLargestRead(bytes);
  }
  void SetLargestWrite(std::size_t bytes) noexcept {
    out_->SetLargestWrite(bytes);
  }

  // After so many bytes more, every read (or write) of this end gives `error`.
  // With 0, one that waits gives it at once.
  void FailReadsAfter(std::size_t bytes, absl::Status error) {
    in_->FailReadsAfter(bytes, std::move(error));
  }
  void FailWritesAfter(std::size_t bytes, absl::Status error) {
    out_->FailWritesAfter(bytes, std::move(error));
  }

 private:
  std::shared_ptr<BytePipe> in_;
  std::shared_ptr<BytePipe> out_;
};

static_assert(ByteStream<MemoryStream>);

// Two ends of one connection. Each direction holds at most `capacity` bytes
// that were written and not yet read, and at least one.
std::pair<MemoryStream, MemoryStream> MakeMemoryPipe(
    std::size_t capacity = std::size_t{64} * 1024);

}  // namespace weft::net

#endif  // WEFT_NET_MEMORY_STREAM_H_
