// StreamSocket: a connected socket that carries bytes both ways. What a
// TcpStream and a UnixStream have in common, which is nearly everything.
//
//     size_t n = co_await OrReturn(stream.Read(buffer));    // 0: the end.
//     co_await OrReturn(stream.WriteAll(answer));
//
// One task may read while another writes: both may use the stream, or each owns
// a half of it (Split). Waiting is the reactor's business (source.h), trying a
// read or a write is socket_ends.h's.
//
//     StreamSocket --- Split ---> ReadHalf + WriteHalf
//          ^                           |
//          '---------- Reunite --------'
//
// Rejected: one class for every kind of socket, as the system has it. That a
// path has no port and a Unix socket no keep-alive would be found out at run
// time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_STREAM_SOCKET_H_
#define WEFT_NET_STREAM_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/leased_read.h"
#include "weft/net/peer.h"
#include "weft/net/socket_ends.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Threads: one task reads and one writes at a time; they may be two. Close may
//          come from anywhere. Moving it is for when nobody uses it.
class StreamSocket {
 public:
  class ReadHalf;
  class WriteHalf;

  // Takes over a descriptor that is connected to `peer` and does not block.
  StreamSocket(reactor::SourceHandle source, const Peer& peer) noexcept
      : source_(std::move(source)), read_(peer), write_(peer) {}

  // A moved-from stream can only be destroyed or assigned to. What is assigned
  // to is closed first, as by its destructor.
  StreamSocket(StreamSocket&&) noexcept = default;
  StreamSocket& operator=(StreamSocket&&) noexcept = default;

  // --- Reading --------------------------------------------------------------

  // Reads what is there, at least one byte; 0 at the end of the stream. (0 also
  // for an empty `into`.) A byte that the peer sends as urgent is left out.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream and `into`.
  // Errors:   UNAVAILABLE when the connection is lost, FAILED_PRECONDITION when
  //           it is closed on this side, DEADLINE_EXCEEDED after the read
  //           timeout (nothing has been read then).
  // Cost:     one system call; no allocation.
  TimedIo<ReadAttempt> Read(std::span<std::byte> into) noexcept {
    return read_.Read(*source_, into);
  }

  // As Read, but never suspends: nothing where nothing is there yet.
  Tried TryRead(std::span<std::byte> into) {
    return read_.TryRead(*source_, into);
  }

  // As Read, into a buffer that is leased when there is something to read;
  // empty bytes at the end. A connection that waits here holds no buffer.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream. The bytes own their buffer: drop them, or move them
  //           on, before you wait again.
  // Errors:   as Read; RESOURCE_EXHAUSTED when there is no memory for a buffer
  //           (nothing has been read then).
  // Cost:     one system call; an allocation where no buffer is free.
  TimedIo<LeasedReadAttempt> ReadSome() noexcept {
    return read_.ReadSome(*source_);
  }

  // As Read, into several pieces in turn, of which it may fill only the first
  // few.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream, `parts` and what they name.
  TimedIo<VectoredReadAttempt> ReadVectored(MutableByteParts parts) noexcept {
    return read_.ReadVectored(*source_, parts);
  }

  // As Read, and what it gives is still there for the next read.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream and `into`.
  TimedIo<PeekAttempt> Peek(std::span<std::byte> into) noexcept {
    return read_.Peek(*source_, into);
  }

  // Fills all of `into`.
  //
  // Suspends: until that many bytes have come, where the read timeout limits
  //           each wait; and for a turn after every megabyte.
  // Cancel:   CANCELLED; an unknown number of bytes has been read and is lost.
  //           Close the stream, or use a BufferedReader, which keeps them.
  // Borrows:  the stream and `into`.
  // Errors:   OUT_OF_RANGE where the stream ends before the first byte,
  //           DATA_LOSS where it ends after some; else as Read.
  // Cost:     no allocation.
  TimedIo<ReadExactlyAttempt> ReadExactly(std::span<std::byte> into) noexcept {
    return read_.ReadExactly(*source_, into);
  }

  // --- Writing --------------------------------------------------------------

  // Writes as much as the system takes at once, at least one byte of a `from`
  // that has any, and a megabyte at most.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream and `from`.
  // Errors:   as Read. UNAVAILABLE when the peer does not read any more; no
  //           SIGPIPE.
  // Cost:     one system call; no allocation.
  TimedIo<WriteAttempt> Write(std::span<const std::byte> from) noexcept {
    return write_.Write(*source_, from);
  }

  // As Write, but never suspends: nothing where the socket's buffer is full.
  Tried TryWrite(std::span<const std::byte> from) {
    return write_.TryWrite(*source_, from);
  }

  // As Write, of several pieces in turn, of which it may take only the first
  // few.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream, `parts` and what they name.
  TimedIo<VectoredWriteAttempt> WriteVectored(ByteParts parts) noexcept {
    return write_.WriteVectored(*source_, parts);
  }

  // Writes all of `from`.
  //
  // Suspends: whenever the socket's buffer is full, where the write timeout
  //           limits each wait; and for a turn after every megabyte.
  // Cancel:   CANCELLED; an unknown part has been written. Close the stream.
  // Borrows:  the stream and `from`.
  // Errors:   as Write.
  // Cost:     no allocation.
  TimedIo<WriteAllAttempt> WriteAll(std::span<const std::byte> from) noexcept {
    return write_.WriteAll(*source_, from);
  }

  // Writes `size` bytes of `file` from `offset` on, or what there is of them,
  // and gives how many that was. The bytes do not pass through the program; a
  // part of the file that is not in memory is read in on the blocking pool
  // first, lest the worker waits for the disk.
  //
  // Suspends: whenever the socket's buffer is full, or the disk is asked.
  // Cancel:   CANCELLED; an unknown part has been written. Close the stream.
  // Borrows:  the stream and `file`, which may not be closed meanwhile.
  // Errors:   as WriteAll, and those of reading the file.
  Task<absl::StatusOr<std::uint64_t>> SendFile(const reactor::Fd& file,
                                               std::uint64_t offset,
                                               std::uint64_t size);

  // Says that nothing more will be written: the peer reads the end. Reading
  // goes on.
  absl::Status ShutdownWrite();

  // Closes the connection. Whoever waits on it gets FAILED_PRECONDITION, as
  // does everything done with it from now on. Idempotent.
  //
  // Threads: any, while the stream is neither moved nor destroyed.
  void Close() noexcept { source_->Close(); }

  // --- Settings -------------------------------------------------------------

  // How long one wait to read, or to write, may last; infinite at first. A
  // timeout that is not positive: what is not possible at once is not waited
  // for. It counts for operations that are begun afterwards.
  void SetReadTimeout(absl::Duration timeout) noexcept {
    read_.set_timeout(timeout);
  }
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    write_.set_timeout(timeout);
  }

  // Whether a read that filled less than its buffer proves that nothing is left
  // (socket_ends.h). It does, of a kernel; but not for a System of a test that
  // gives less than there is, and not on FreeBSD, whose kqueue does not tell of
  // it, where peers send urgent data.
  void SetShortReadsDrain(bool drain) noexcept {
    read_.set_short_reads_drain(drain);
  }

  // How much the system keeps that was not sent, or not read, yet, in bytes
  // (SO_SNDBUF, SO_RCVBUF). The system has limits, and Linux takes twice the
  // number to have room for what it notes down itself.
  absl::Status SetSendBufferSize(int bytes);
  absl::Status SetReceiveBufferSize(int bytes);
  absl::StatusOr<int> send_buffer_size() const;
  absl::StatusOr<int> receive_buffer_size() const;

  // --- The whole and its halves ---------------------------------------------

  // Two halves that two tasks may own. The connection is closed when both are
  // gone; a WriteHalf that goes shuts its direction down, so that the peer
  // reads the end.
  //
  // Cost: one allocation.
  std::pair<ReadHalf, WriteHalf> Split() &&;

  // Who is at the other end.
  const Peer& peer() const noexcept { return read_.peer(); }

  // Its parts, for operations that are made of them.
  reactor::Source& source() const noexcept { return *source_; }
  ReadEnd& read_end() noexcept { return read_; }
  WriteEnd& write_end() noexcept { return write_; }

 protected:
  // The whole again. INVALID_ARGUMENT, and both are gone, when they are not
  // halves of one stream.
  static absl::StatusOr<StreamSocket> ReuniteHalves(ReadHalf read,
                                                    WriteHalf write);

 private:
  StreamSocket(reactor::SourceHandle source, ReadEnd read,
               WriteEnd write) noexcept
      : source_(std::move(source)),
        read_(std::move(read)),
        write_(std::move(write)) {}

  reactor::SourceHandle source_;
  ReadEnd read_;
  WriteEnd write_;
};

// Threads: one task at a time, beside the other half's.
class StreamSocket::ReadHalf {
 public:
  ReadHalf(ReadHalf&&) noexcept = default;
  ReadHalf& operator=(ReadHalf&&) noexcept = default;

  // As the whole's.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  TimedIo<ReadAttempt> Read(std::span<std::byte> into) noexcept {
    return end_.Read(**source_, into);
  }
  // As the whole's.
  Tried TryRead(std::span<std::byte> into) {
    return end_.TryRead(**source_, into);
  }
  // As StreamSocket's.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  TimedIo<LeasedReadAttempt> ReadSome() noexcept {
    return end_.ReadSome(**source_);
  }
  // As the whole's.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  TimedIo<VectoredReadAttempt> ReadVectored(MutableByteParts parts) noexcept {
    return end_.ReadVectored(**source_, parts);
  }
  // As the whole's.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  TimedIo<PeekAttempt> Peek(std::span<std::byte> into) noexcept {
    return end_.Peek(**source_, into);
  }
  // As the whole's.
  //
  // Suspends: until that many bytes have come.
  // Cancel:   CANCELLED; an unknown number of bytes is lost.
  TimedIo<ReadExactlyAttempt> ReadExactly(std::span<std::byte> into) noexcept {
    return end_.ReadExactly(**source_, into);
  }
  void SetReadTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }
  // Closes both directions, under the other half too.
  void Close() noexcept { (*source_)->Close(); }
  const Peer& peer() const noexcept { return end_.peer(); }
  reactor::Source& source() const noexcept { return **source_; }
  ReadEnd& read_end() noexcept { return end_; }

 private:
  friend class StreamSocket;  // Its enclosing class.

  ReadHalf(std::shared_ptr<reactor::SourceHandle> source, ReadEnd end) noexcept
      : source_(std::move(source)), end_(std::move(end)) {}

  std::shared_ptr<reactor::SourceHandle> source_;
  ReadEnd end_;
};

// Threads: one task at a time, beside the other half's.
class StreamSocket::WriteHalf {
 public:
  WriteHalf(WriteHalf&&) noexcept = default;
  WriteHalf& operator=(WriteHalf&&) = delete;  // Would have to shut down first.
  ~WriteHalf();

  // As the whole's.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  TimedIo<WriteAttempt> Write(std::span<const std::byte> from) noexcept {
    return end_.Write(**source_, from);
  }
  // As the whole's.
  Tried TryWrite(std::span<const std::byte> from) {
    return end_.TryWrite(**source_, from);
  }
  // As the whole's.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  TimedIo<VectoredWriteAttempt> WriteVectored(ByteParts parts) noexcept {
    return end_.WriteVectored(**source_, parts);
  }
  // As the whole's.
  //
  // Suspends: whenever the socket's buffer is full.
  // Cancel:   CANCELLED; an unknown part has been written.
  TimedIo<WriteAllAttempt> WriteAll(std::span<const std::byte> from) noexcept {
    return end_.WriteAll(**source_, from);
  }
  // As the whole's.
  //
  // Suspends: whenever the socket's buffer is full, or the disk is asked.
  // Cancel:   CANCELLED; an unknown part has been written.
  Task<absl::StatusOr<std::uint64_t>> SendFile(const reactor::Fd& file,
                                               std::uint64_t offset,
                                               std::uint64_t size);
  absl::Status ShutdownWrite();
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }
  // Closes both directions, under the other half too.
  void Close() noexcept { (*source_)->Close(); }
  const Peer& peer() const noexcept { return end_.peer(); }
  reactor::Source& source() const noexcept { return **source_; }
  WriteEnd& write_end() noexcept { return end_; }

 private:
  friend class StreamSocket;  // Its enclosing class.

  WriteHalf(std::shared_ptr<reactor::SourceHandle> source,
            WriteEnd end) noexcept
      : source_(std::move(source)), end_(std::move(end)) {}

  std::shared_ptr<reactor::SourceHandle> source_;
  WriteEnd end_;
};

static_assert(ByteStream<StreamSocket>);
static_assert(LeasingSource<StreamSocket>);
static_assert(LeasingSource<StreamSocket::ReadHalf>);
static_assert(ByteSink<StreamSocket::WriteHalf>);

}  // namespace weft::net

#endif  // WEFT_NET_STREAM_SOCKET_H_
