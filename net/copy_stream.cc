// Splicing from a socket through a pipe into another.
//
// SPDX-License-Identifier: MIT

#include "weft/net/copy_stream.h"

#include <cerrno>
#include <optional>
#include <utility>

#include "weft/net/socket_attempts.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::Source;
using ::weft::reactor::System;

// What a pipe of the usual size holds: more is not moved at once.
constexpr std::size_t kPipeSize = std::size_t{64} * 1024;

// From the socket into the pipe, which is empty: where it would block, that is
// for want of bytes. Or for urgent data, at which a splice stops and behind
// which it never comes: that has been announced, and is left to reads.
class SpliceInAttempt : public SocketAttempt {
 public:
  SpliceInAttempt(Source& source, const Peer& peer, const Fd& pipe) noexcept
      : SocketAttempt(source, peer), pipe_(pipe) {}

  std::optional<Count> operator()() {
    const ssize_t moved = RetryInterrupted([&] {
      return source_.system().splice(source_.fd(), pipe_.get(), kPipeSize);
    });
    int error = errno;
    if (error == EAGAIN && source_.reads_try_first()) error = EOPNOTSUPP;
    return Counted(moved, error, "splice");
  }

 private:
  const Fd& pipe_;
};

// Out of the pipe, in which `size` bytes are, into the socket.
class SpliceOutAttempt : public SocketAttempt {
 public:
  SpliceOutAttempt(Source& source, const Peer& peer, const Fd& pipe,
                   std::size_t size) noexcept
      : SocketAttempt(source, peer), pipe_(pipe), size_(size) {}

  std::optional<Count> operator()() {
    const ssize_t moved = RetryInterrupted([&] {
      return source_.system().splice(pipe_.get(), source_.fd(), size_);
    });
    return Counted(moved, errno, "splice");
  }

 private:
  const Fd& pipe_;
  const std::size_t size_;
};

bool IsUnsupported(const absl::Status& status) {
  const std::optional<int> error = reactor::ErrnoOf(status);
  return error == EINVAL || error == ENOSYS || error == ENOTSUP ||
         error == EOPNOTSUPP;
}

}  // namespace

Task<absl::StatusOr<Spliced>> SpliceAll(Source& from, ReadEnd& read, Source& to,
                                        const WriteEnd& write,
                                        Atomic<std::uint64_t>* so_far) {
  System& system = from.system();
  Spliced spliced;
  int ends[2] = {-1, -1};
  // A program near its limit of descriptors is to serve those whom it has.
  spliced.unsupported = system.pipe(ends) != 0;
  if (spliced.unsupported) co_return spliced;
  const Fd out_of(ends[0], system);
  const Fd into(ends[1], system);
  for (;;) {
    absl::StatusOr<std::size_t> inside =
        co_await read.ReadWith<SpliceInAttempt>(from, into);
    // Nothing has been taken. And whether a splice of nothing is the end, only
    // a read knows: there may be urgent data.
    spliced.unsupported =
        IsUnsupported(inside.status()) || (inside.ok() && *inside == 0);
    if (spliced.unsupported) co_return spliced;
    if (!inside.ok()) co_return std::move(inside).status();
    for (std::size_t rest = *inside; rest > 0;) {
      const std::size_t moved = co_await OrReturn(
          write.WriteWith<SpliceOutAttempt>(to, out_of, rest));
      rest -= moved;
      spliced.bytes += moved;
      CountCopied(so_far, moved);
    }
  }
}

}  // namespace weft::net
