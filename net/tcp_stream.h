// TcpStream: a TCP connection.
//
//     TcpStream stream = co_await OrReturn(TcpStream::Connect("10.0.0.1:80"));
//     co_await OrReturn(stream.WriteAll(request));
//     size_t n = co_await OrReturn(stream.Read(buffer));    // 0: the end.
//
// One task may read while another writes: both may use the stream, or each owns
// a half of it (Split). Waiting is the reactor's business (source.h), trying a
// read or a write is socket_ends.h's; here is what is TCP's own.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TCP_STREAM_H_
#define WEFT_NET_TCP_STREAM_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/socket_ends.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct ConnectOptions {
  // DEADLINE_EXCEEDED after this. The system has a limit of its own, of two
  // minutes or so, and then says UNAVAILABLE.
  absl::Duration timeout = absl::InfiniteDuration();
  // Whether small writes go out at once, instead of waiting for the answer to
  // those before (TCP_NODELAY).
  bool no_delay = false;
};

// Threads: one task reads and one writes at a time; they may be two. Close may
//          come from anywhere. Moving it is for when nobody uses it.
class TcpStream {
 public:
  class ReadHalf;
  class WriteHalf;

  // Connects to `address`, which is read as Address::Parse does.
  //
  // Suspends: until the peer has answered.
  // Cancel:   CANCELLED; the socket is closed.
  // Errors:   INVALID_ARGUMENT for the text of an address; UNAVAILABLE where
  //           the peer refuses or cannot be reached, DEADLINE_EXCEEDED after
  //           options.timeout, RESOURCE_EXHAUSTED where no descriptor is left.
  static Task<absl::StatusOr<TcpStream>> Connect(std::string_view address,
                                                 ConnectOptions options = {});
  static Task<absl::StatusOr<TcpStream>> Connect(const Address& address,
                                                 ConnectOptions options = {});

  // Takes over a connected socket that does not block, from a listener or from
  // another program. `peer` is for peer_address() and for messages.
  // Requires: InsideRuntime().
  static TcpStream Adopt(reactor::Fd socket, const Address& peer);
  static TcpStream FromSource(reactor::SourceHandle source,
                              const Address& peer) noexcept;

  // A moved-from stream can only be destroyed or assigned to. What is assigned
  // to is closed first, as by its destructor.
  TcpStream(TcpStream&&) noexcept = default;
  TcpStream& operator=(TcpStream&&) noexcept = default;

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

  // Says that nothing more will be written: the peer reads the end. Reading
  // goes on.
  absl::Status ShutdownWrite();

  // Closes the connection. Whoever waits on it gets FAILED_PRECONDITION, as
  // does everything done with it from now on. Idempotent.
  //
  // Threads: any, while the stream is neither moved nor destroyed.
  void Close() noexcept { source_->Close(); }

  // As Close, but what has not been sent is thrown away, and the peer is told
  // so: it gets "connection reset" instead of the end.
  void Abort() noexcept;

  // How long one wait to read, or to write, may last; infinite at first. A
  // timeout that is not positive: what is not possible at once is not waited
  // for. It counts for operations that are begun afterwards.
  void SetReadTimeout(absl::Duration timeout) noexcept {
    read_.set_timeout(timeout);
  }
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    write_.set_timeout(timeout);
  }

  // Whether small writes go out at once (TCP_NODELAY).
  absl::Status SetNoDelay(bool no_delay);

  // Whether a read that filled less than its buffer proves that nothing is left
  // (socket_ends.h). It does, of a kernel; but not for a System of a test that
  // gives less than there is, and not on FreeBSD, whose kqueue does not tell of
  // it, where peers send urgent data.
  void SetShortReadsDrain(bool drain) noexcept {
    read_.set_short_reads_drain(drain);
  }

  const Address& peer_address() const noexcept {
    return read_.peer().address();
  }
  absl::StatusOr<Address> local_address() const;

  // Two halves that two tasks may own. The connection is closed when both are
  // gone; a WriteHalf that goes shuts its direction down, so that the peer
  // reads the end.
  //
  // Cost: one allocation.
  std::pair<ReadHalf, WriteHalf> Split() &&;

  // The whole again. INVALID_ARGUMENT, and both are gone, when they are not
  // halves of one stream.
  static absl::StatusOr<TcpStream> Reunite(ReadHalf read, WriteHalf write);

 private:
  TcpStream(reactor::SourceHandle source, ReadEnd read, WriteEnd write) noexcept
      : source_(std::move(source)),
        read_(std::move(read)),
        write_(std::move(write)) {}

  reactor::SourceHandle source_;
  ReadEnd read_;
  WriteEnd write_;
};

// Threads: one task at a time, beside the other half's.
class TcpStream::ReadHalf {
 public:
  ReadHalf(ReadHalf&&) noexcept = default;
  ReadHalf& operator=(ReadHalf&&) noexcept = default;

  // As TcpStream's.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  TimedIo<ReadAttempt> Read(std::span<std::byte> into) noexcept {
    return end_.Read(**source_, into);
  }
  void SetReadTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }
  // Closes both directions, under the other half too.
  void Close() noexcept { (*source_)->Close(); }
  const Address& peer_address() const noexcept { return end_.peer().address(); }

 private:
  friend class TcpStream;  // Its enclosing class.

  ReadHalf(std::shared_ptr<reactor::SourceHandle> source, ReadEnd end) noexcept
      : source_(std::move(source)), end_(std::move(end)) {}

  std::shared_ptr<reactor::SourceHandle> source_;
  ReadEnd end_;
};

// Threads: one task at a time, beside the other half's.
class TcpStream::WriteHalf {
 public:
  WriteHalf(WriteHalf&&) noexcept = default;
  WriteHalf& operator=(WriteHalf&&) = delete;  // Would have to shut down first.
  ~WriteHalf();

  // As TcpStream's.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  TimedIo<WriteAttempt> Write(std::span<const std::byte> from) noexcept {
    return end_.Write(**source_, from);
  }
  // As TcpStream's.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written.
  TimedIo<VectoredWriteAttempt> WriteVectored(ByteParts parts) noexcept {
    return end_.WriteVectored(**source_, parts);
  }
  // As TcpStream's.
  //
  // Suspends: whenever the socket's buffer is full.
  // Cancel:   CANCELLED; an unknown part has been written.
  TimedIo<WriteAllAttempt> WriteAll(std::span<const std::byte> from) noexcept {
    return end_.WriteAll(**source_, from);
  }
  absl::Status ShutdownWrite();
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    end_.set_timeout(timeout);
  }
  // Closes both directions, under the other half too.
  void Close() noexcept { (*source_)->Close(); }
  const Address& peer_address() const noexcept { return end_.peer().address(); }

 private:
  friend class TcpStream;  // Its enclosing class.

  WriteHalf(std::shared_ptr<reactor::SourceHandle> source,
            WriteEnd end) noexcept
      : source_(std::move(source)), end_(std::move(end)) {}

  std::shared_ptr<reactor::SourceHandle> source_;
  WriteEnd end_;
};

static_assert(ByteStream<TcpStream>);
static_assert(ByteSource<TcpStream::ReadHalf>);
static_assert(ByteSink<TcpStream::WriteHalf>);

}  // namespace weft::net

#endif  // WEFT_NET_TCP_STREAM_H_
