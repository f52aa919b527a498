// ReadEnd and WriteEnd: the two directions of a stream, each with what it
// remembers. A stream is a Source and one of each; its halves share the Source
// and have one end each. A pipe has one direction, and so one end.
//
//     TcpStream { Source,  ReadEnd, WriteEnd }
//                              |         |
//     ReadHalf  { Source*, ReadEnd }     |
//     WriteHalf { Source*, WriteEnd }  <-'
//
// How a read avoids the call that would only say EAGAIN. A read that filled
// less than its buffer has emptied the socket: whatever comes later makes an
// event, so the next read waits for that without trying. There are three ways
// in which it has not. A peer that sends five bytes and closes at once makes
// one event for both; and a read stops in front of urgent data (RFC 6093), with
// ordinary bytes behind it. Both are announced, and the Source remembers: every
// read tries first then. The third is not: a read of a Unix socket stops behind
// bytes that carried descriptors, and one of a pipe behind a packet (O_DIRECT).
// So on those a short read proves nothing. A request and its answer cost two
// system calls that way instead of three.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SOCKET_ENDS_H_
#define WEFT_NET_SOCKET_ENDS_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "weft/net/peer.h"
#include "weft/net/socket_attempts.h"
#include "weft/net/stream.h"
#include "weft/net/timed_io.h"
#include "weft/reactor/source.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {

// One try, and no wait after it. Before it, the readiness is taken back
// (source.h): a wait that comes later finds what changes from here on.
template <IoAttempt Attempt>
auto TryOnce(reactor::Source& source, reactor::Direction direction,
             Attempt attempt) -> std::invoke_result_t<Attempt&> {
  const reactor::SourcePin pin(source);
  if (!pin) return reactor::ClosedByOwnerError();
  source.TakeReady(direction);
  return attempt();
}

// Threads: one task at a time.
class ReadEnd {
 public:
  explicit ReadEnd(Peer peer) noexcept : peer_(std::move(peer)) {}

  // Suspends: until there is something to read.
  // Cancel:   CANCELLED; no byte was taken.
  // Borrows:  the end, the source and `into`.
  TimedIo<ReadAttempt> Read(reactor::Source& source,
                            std::span<std::byte> into) noexcept {
    return TimedIo<ReadAttempt>(source, reactor::Direction::kRead,
                                TryFirst(into.empty()), timeout_,
                                ReadAttempt(source, peer_, into, short_read_));
  }
  TimedIo<LeasedReadAttempt> ReadSome(reactor::Source& source) noexcept {
    return TimedIo<LeasedReadAttempt>(
        source, reactor::Direction::kRead, TryFirst(/*no_room=*/false),
        timeout_, LeasedReadAttempt(source, peer_, short_read_));
  }
  TimedIo<VectoredReadAttempt> ReadVectored(reactor::Source& source,
                                            MutableByteParts parts) noexcept {
    const bool no_room = std::ranges::all_of(
        parts, [](std::span<std::byte> part) { return part.empty(); });
    return TimedIo<VectoredReadAttempt>(
        source, reactor::Direction::kRead, TryFirst(no_room), timeout_,
        VectoredReadAttempt(source, peer_, parts, short_read_));
  }
  TimedIo<PeekAttempt> Peek(reactor::Source& source,
                            std::span<std::byte> into) noexcept {
    return TimedIo<PeekAttempt>(source, reactor::Direction::kRead,
                                TryFirst(into.empty()), timeout_,
                                PeekAttempt(source, peer_, into, short_read_));
  }
  TimedIo<ReadExactlyAttempt> ReadExactly(reactor::Source& source,
                                          std::span<std::byte> into) noexcept {
    return TimedIo<ReadExactlyAttempt>(
        source, reactor::Direction::kRead, TryFirst(into.empty()), timeout_,
        ReadExactlyAttempt(source, peer_, into, short_read_));
  }

  // Any other read, by an attempt that is made of the source, the peer and
  // `args`. How much is left after it is not known: it tries, and so does the
  // next.
  //
  // Suspends: until there is something to read.
  // Cancel:   CANCELLED; the attempt has not taken effect.
  template <TimedAttempt Attempt, typename... Args>
  TimedIo<Attempt> ReadWith(reactor::Source& source,
                            const Args&... args) noexcept {
    short_read_ = false;
    return TimedIo<Attempt>(source, reactor::Direction::kRead,
                            FirstTry::kAtOnce, timeout_,
                            Attempt(source, peer_, args...));
  }

  // As Read, but never suspends.
  Tried TryRead(reactor::Source& source, std::span<std::byte> into) {
    if (TryFirst(into.empty()) == FirstTry::kWhenReady && IsQuiet(source)) {
      return std::nullopt;
    }
    Tried tried = TryOnce(source, reactor::Direction::kRead,
                          ReadAttempt(source, peer_, into, short_read_));
    // EAGAIN says that it is drained: the Read that follows need not ask again.
    if (!tried.has_value()) short_read_ = true;
    return tried;
  }

  const Peer& peer() const noexcept { return peer_; }
  void set_timeout(absl::Duration timeout) noexcept { timeout_ = timeout; }
  void set_short_reads_drain(bool drain) noexcept {
    short_reads_drain_ = drain;
  }

 private:
  FirstTry TryFirst(bool no_room) const noexcept {
    const bool drained = short_read_ && short_reads_drain_;
    return !drained || no_room ? FirstTry::kAtOnce : FirstTry::kWhenReady;
  }
  // Whether an event is still to come that tells of what a read would find.
  // None does where nobody has waited yet; and a close is there to be told.
  static bool IsQuiet(const reactor::Source& source) noexcept {
    return source.is_registered() && !source.closed() &&
           !source.IsReady(reactor::Direction::kRead) &&
           !source.reads_try_first();
  }

  Peer peer_;
  absl::Duration timeout_ = absl::InfiniteDuration();
  bool short_reads_drain_ = true;
  bool short_read_ = false;  // Whether the last read was one.
};

// Writes always try first: a socket is rarely full.
//
// Threads: one task at a time.
class WriteEnd {
 public:
  explicit WriteEnd(Peer peer) noexcept : peer_(std::move(peer)) {}

  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; no byte was written, but WriteAll may have written
  //           some.
  // Borrows:  the end, the source and what is written.
  TimedIo<WriteAttempt> Write(reactor::Source& source,
                              std::span<const std::byte> from) const noexcept {
    return TimedIo<WriteAttempt>(source, reactor::Direction::kWrite,
                                 FirstTry::kAtOnce, timeout_,
                                 WriteAttempt(source, peer_, from));
  }
  TimedIo<VectoredWriteAttempt> WriteVectored(reactor::Source& source,
                                              ByteParts parts) const noexcept {
    return TimedIo<VectoredWriteAttempt>(
        source, reactor::Direction::kWrite, FirstTry::kAtOnce, timeout_,
        VectoredWriteAttempt(source, peer_, parts));
  }
  TimedIo<WriteAllAttempt> WriteAll(
      reactor::Source& source, std::span<const std::byte> from) const noexcept {
    return TimedIo<WriteAllAttempt>(source, reactor::Direction::kWrite,
                                    FirstTry::kAtOnce, timeout_,
                                    WriteAllAttempt(source, peer_, from));
  }
  // Any other write, by an attempt that is made of the source, the peer and
  // `args`.
  //
  // Suspends: while the descriptor's buffer is full.
  // Cancel:   CANCELLED; the attempt has not taken effect.
  template <TimedAttempt Attempt, typename... Args>
  TimedIo<Attempt> WriteWith(reactor::Source& source,
                             const Args&... args) const noexcept {
    return TimedIo<Attempt>(source, reactor::Direction::kWrite,
                            FirstTry::kAtOnce, timeout_,
                            Attempt(source, peer_, args...));
  }

  // As Write, but never suspends.
  Tried TryWrite(reactor::Source& source,
                 std::span<const std::byte> from) const {
    return TryOnce(source, reactor::Direction::kWrite,
                   WriteAttempt(source, peer_, from));
  }

  const Peer& peer() const noexcept { return peer_; }
  void set_timeout(absl::Duration timeout) noexcept { timeout_ = timeout; }

 private:
  Peer peer_;
  absl::Duration timeout_ = absl::InfiniteDuration();
};

}  // namespace weft::net

#endif  // WEFT_NET_SOCKET_ENDS_H_
