// The three streams that a program is born with, whatever they lead to.
//
//     InputStream input = co_await OrReturn(StandardInput());
//     size_t n = co_await OrReturn(input.Read(buffer));   // 0: the end.
//
// They are shared: with the shell, and with every process that it has started
// on the same terminal or pipe. What one of them makes non-blocking becomes so
// for all (O_NONBLOCK belongs to the open file and not to the descriptor), and
// programs that do not expect it fail with EAGAIN. So that is what we never do:
//
//     a terminal,    is opened again (Linux): an open file of our own, which
//     a pipe         does not block
//     a socket       is tried without waiting (MSG_DONTWAIT)
//     a file, and    goes to the blocking pool
//     what else there is
//
// A pipe that cannot be opened again (one that is not ours, after su; one that
// keeps writes apart, O_DIRECT; where /proc is not there) is tried without
// waiting (RWF_NOWAIT, preadv2(2)). Where
// it cannot be tried either (macOS; Linux before 6.4; one that has a name), or
// a terminal cannot be opened again (macOS; one that is not ours; the program's
// side of one, pty(7)), reads wait until there is something and then go to the
// pool, and writes go to the pool at once. A write that has begun there waits
// for the reader, cancelled or closed or not; and the end that ^D makes is not
// seen on such a terminal.
//
// What another has made non-blocking nonetheless, as a program that shares a
// pipe with its parent may, is waited for like any other.
//
// Whoever else reads the same file may take what has come before the pool does.
// The read then waits there for what comes next, cancelled or closed or not,
// and keeps one of the pool's threads until it comes; so does one of a device
// that cannot count what it has.
//
// Rejected: to make them non-blocking and to restore that at exit (a program
// that is killed does not, and meanwhile it is wrong for the others); to read
// in a thread that is always waiting (it takes input that it has nobody for).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_STANDARD_STREAMS_H_
#define WEFT_NET_STANDARD_STREAMS_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/shared_descriptor.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Threads: one task at a time. Moving and destroying it are for when nobody
//          uses it.
class InputStream {
 public:
  // Takes over a descriptor whose open file others may share. `name` is for
  // messages.
  // Errors:   those of fstat(2).
  // Requires: InsideRuntime().
  static absl::StatusOr<InputStream> Adopt(reactor::Fd fd, std::string name);

  // Reads what is there, at least one byte; 0 at the end. (0 also for an empty
  // `into`.) Of a terminal, what its user has finished with a new line.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream and `into`.
  // Errors:   FAILED_PRECONDITION when it is closed; those of the system.
  // Cost:     a frame, and one or two system calls; for files the pool.
  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into);

  // Whoever waits is told FAILED_PRECONDITION, on the pool when its call is
  // over. Idempotent; any thread.
  void Close() noexcept { shared_.Close(); }

 private:
  explicit InputStream(SharedDescriptor shared) noexcept
      : shared_(std::move(shared)) {}

  SharedDescriptor shared_;
};

// Threads: as InputStream.
class OutputStream {
 public:
  // As InputStream::Adopt.
  static absl::StatusOr<OutputStream> Adopt(reactor::Fd fd, std::string name);

  // Writes what can be written at once, at least one byte of a `from` that has
  // any. Nothing is kept back in a buffer.
  //
  // Suspends: while whoever reads it is behind.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream and `from`.
  // Errors:   UNAVAILABLE when nobody reads it any more, without a signal;
  //           FAILED_PRECONDITION when it is closed; those of the system.
  Task<absl::StatusOr<std::size_t>> Write(std::span<const std::byte> from);

  // As Write, of the first of several pieces that has anything.
  //
  // Suspends: while whoever reads it is behind.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the stream, `parts` and what they name.
  Task<absl::StatusOr<std::size_t>> WriteVectored(ByteParts parts);

  // Whoever waits is told FAILED_PRECONDITION, on the pool when its call is
  // over. Idempotent; any thread.
  void Close() noexcept { shared_.Close(); }

 private:
  explicit OutputStream(SharedDescriptor shared) noexcept
      : shared_(std::move(shared)) {}

  SharedDescriptor shared_;
};

static_assert(ByteSource<InputStream>);
static_assert(ByteSink<OutputStream>);

// Streams over descriptors 0, 1 and 2, which stay open when these are closed.
//
// Errors:   FAILED_PRECONDITION where nothing has that number.
// Requires: InsideRuntime(); and that the program was started with it, or
//           something that it has opened since may have the number.
absl::StatusOr<InputStream> StandardInput();
absl::StatusOr<OutputStream> StandardOutput();
absl::StatusOr<OutputStream> StandardError();

}  // namespace weft::net

#endif  // WEFT_NET_STANDARD_STREAMS_H_
