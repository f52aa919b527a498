// Pipes: bytes that go one way, between two programs or two parts of one.
//
//     PipeWriter --- write ---> the kernel's buffer --- read ---> PipeReader
//
// The writer's end is the reader's end of the stream: when the last one closes,
// a read gives 0. Where nobody reads any more, a write is UNAVAILABLE, and not
// the signal that ends programs (reactor/signal_mask.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PIPE_H_
#define WEFT_NET_PIPE_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/peer.h"
#include "weft/net/socket_ends.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"

namespace weft::net {

// Threads: one task at a time; Close from anywhere. Moving it is for when
//          nobody uses it.
class PipeReader {
 public:
  // Takes over an end that does not block. `name` is for messages: what the
  // pipe leads to.
  // Requires: InsideRuntime().
  static PipeReader Adopt(reactor::Fd end, std::string name);

  // As Adopt, of a descriptor that is not known to be what it should be: it is
  // looked at, and told not to block and not to be inherited. (The first goes
  // for all that share the open file: standard_streams.h does without.) Of a
  // FIFO, a reader on macOS is told of the end only if it looks (fifo.h).
  // Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for what is no pipe or not open at all, or the end
  //         of one that cannot be read. It is closed then.
  static absl::StatusOr<PipeReader> FromFd(reactor::Fd end, std::string name);

  // A moved-from end can only be destroyed or assigned to.
  PipeReader(PipeReader&&) noexcept = default;
  PipeReader& operator=(PipeReader&&) noexcept = default;

  // Reads what is there, at least one byte; 0 at the end of the stream. (0 also
  // for an empty `into`.)
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the end and `into`.
  // Errors:   FAILED_PRECONDITION when it is closed, DEADLINE_EXCEEDED after
  //           the read timeout (nothing has been read then).
  // Cost:     one system call; no allocation.
  TimedIo<ReadAttempt> Read(std::span<std::byte> into) noexcept {
    return end_.Read(*source_, into);
  }

  // As Read, but never suspends: nothing where nothing is there yet.
  Tried TryRead(std::span<std::byte> into) {
    return end_.TryRead(*source_, into);
  }

  // As Read, into several pieces in turn, of which it may fill only the first
  // few.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the end, `parts` and what they name.
  TimedIo<VectoredReadAttempt> ReadVectored(MutableByteParts parts) noexcept {
    return end_.ReadVectored(*source_, parts);
  }

  // Fills all of `into`.
  //
  // Suspends: until that many bytes have come.
  // Cancel:   CANCELLED; an unknown number of bytes has been read and is lost.
  // Borrows:  the end and `into`.
  // Errors:   OUT_OF_RANGE where the stream ends before the first byte,
  //           DATA_LOSS where it ends after some; else as Read.
  TimedIo<ReadExactlyAttempt> ReadExactly(std::span<std::byte> into) noexcept {
    return end_.ReadExactly(*source_, into);
  }

  // Whoever writes learns of it. Idempotent.
  void Close() noexcept { source_->Close(); }

  // For what it has no function for: WithDescriptor (socket_options.h) makes a
  // call with its descriptor, DuplicateOf (duplicate.h) gives one away.
  reactor::Source& source() const noexcept { return *source_; }

  // How long one wait may last; infinite at first.
  void SetReadTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }

 private:
  // Whoever has the other end may keep its writes apart, as packets (O_DIRECT,
  // pipe(7)): then a short read has not emptied the pipe.
  PipeReader(reactor::SourceHandle source, Peer peer) noexcept
      : source_(std::move(source)), end_(std::move(peer)) {
    end_.set_short_reads_drain(false);
  }

  reactor::SourceHandle source_;
  ReadEnd end_;
};

// Threads: one task at a time; Close from anywhere. Moving it is for when
//          nobody uses it.
class PipeWriter {
 public:
  // As PipeReader::Adopt. An end that was not made by System::pipe, on macOS,
  // may raise SIGPIPE in threads that are none of a runtime's.
  // Requires: InsideRuntime().
  static PipeWriter Adopt(reactor::Fd end, std::string name);

  // As PipeReader::FromFd, of an end that can be written. Of a FIFO, a writer
  // on macOS that waits for room is not told that nobody reads any more.
  static absl::StatusOr<PipeWriter> FromFd(reactor::Fd end, std::string name);

  PipeWriter(PipeWriter&&) noexcept = default;
  PipeWriter& operator=(PipeWriter&&) noexcept = default;

  // Writes as much as fits at once, at least one byte of a `from` that has any.
  //
  // Suspends: while the pipe is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the end and `from`.
  // Errors:   UNAVAILABLE when nobody reads any more, FAILED_PRECONDITION when
  //           it is closed, DEADLINE_EXCEEDED after the write timeout.
  // Cost:     one system call; no allocation.
  TimedIo<WriteAttempt> Write(std::span<const std::byte> from) noexcept {
    return end_.Write(*source_, from);
  }

  // As Write, but never suspends: nothing where the pipe is full.
  Tried TryWrite(std::span<const std::byte> from) {
    return end_.TryWrite(*source_, from);
  }

  // As Write, of several pieces in turn, of which it may take only the first
  // few.
  //
  // Suspends: while the pipe is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the end, `parts` and what they name.
  TimedIo<VectoredWriteAttempt> WriteVectored(ByteParts parts) noexcept {
    return end_.WriteVectored(*source_, parts);
  }

  // Writes all of `from`.
  //
  // Suspends: whenever the pipe is full, and for a turn after every megabyte.
  // Cancel:   CANCELLED; an unknown part has been written.
  // Borrows:  the end and `from`.
  // Errors:   as Write.
  TimedIo<WriteAllAttempt> WriteAll(std::span<const std::byte> from) noexcept {
    return end_.WriteAll(*source_, from);
  }

  // The reader reads the end. Idempotent.
  void Close() noexcept { source_->Close(); }

  // As PipeReader's.
  reactor::Source& source() const noexcept { return *source_; }

  // How long one wait may last; infinite at first.
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }

 private:
  PipeWriter(reactor::SourceHandle source, Peer peer) noexcept
      : source_(std::move(source)), end_(std::move(peer)) {}

  reactor::SourceHandle source_;
  WriteEnd end_;
};

static_assert(ByteSource<PipeReader>);
static_assert(ByteSink<PipeWriter>);

// The two descriptors of a pipe, which do not block and are not inherited: to
// give one to a child (net/process.h), or both to two of them.
struct PipeEnds {
  reactor::Fd read;
  reactor::Fd write;
};

// Errors: RESOURCE_EXHAUSTED where no descriptor is left.
absl::StatusOr<PipeEnds> OpenPipe(
    reactor::System& system = reactor::System::Kernel());

// A pipe with both ends in this program.
struct Pipe {
  PipeReader reader;
  PipeWriter writer;
};

// Errors:   as OpenPipe.
// Requires: InsideRuntime().
absl::StatusOr<Pipe> MakePipe();

}  // namespace weft::net

#endif  // WEFT_NET_PIPE_H_
