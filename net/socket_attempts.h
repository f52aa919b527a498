// One try of each operation on a stream's descriptor: a system call, and what
// its answer means. TimedIo makes waiting operations of them.
//
//     a number of bytes, or an error    the operation's result
//     nothing                           it would block: wait, and try again
//     DEADLINE_EXCEEDED                 it would block, and has waited enough
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SOCKET_ATTEMPTS_H_
#define WEFT_NET_SOCKET_ATTEMPTS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/io_timeout.h"
#include "weft/net/leased_read.h"
#include "weft/net/peer.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"

namespace weft::net {

// How much one call is offered to write, and so how long it may hold the
// worker: the kernel goes on copying as long as a reader keeps up.
inline constexpr std::size_t kLongestCall = std::size_t{1} << 20;

// What they have in common.
//
// Borrows: the source, and `peer`, which says how the descriptor is called, and
//          by which calls.
class SocketAttempt {
 public:
  // Without one it waits for as long as it takes.
  void set_limit(IoTimeout& limit) noexcept { limit_ = &limit; }

 protected:
  using Count = absl::StatusOr<std::size_t>;

  SocketAttempt(reactor::Source& source, const Peer& peer) noexcept
      : source_(source), peer_(peer) {}

  // A call that counts bytes answered `result`, and `error` if that is -1.
  std::optional<Count> Counted(ssize_t result, int error,
                               std::string_view call) const;
  // A call failed with `error`.
  std::optional<absl::Status> Failed(int error, std::string_view call) const;
  // What a call that reads has answered, given that it had room. A connection
  // that was lost has no end, whatever the system says: -1 and errno.
  ssize_t UnlessLost(ssize_t result) const;
  // Offers no more than kLongestCall of it.
  ssize_t Send(std::span<const std::byte> from) const;
  ssize_t Receive(std::span<std::byte> into, int flags) const;

  // It has got somewhere: its limit runs anew.
  void RestartLimit() const noexcept {
    if (limit_ != nullptr) limit_->Restart();
  }

  reactor::Source& source_;
  const Peer& peer_;
  IoTimeout* limit_ = nullptr;
};

class ReadAttempt : public SocketAttempt {
 public:
  // `short_read` is told whether the call has read less than there was room
  // for. An empty `into` is read into without a call.
  ReadAttempt(reactor::Source& source, const Peer& peer,
              std::span<std::byte> into, bool& short_read) noexcept
      : SocketAttempt(source, peer), into_(into), short_read_(short_read) {}

  std::optional<Count> operator()();

 private:
  std::span<std::byte> into_;
  bool& short_read_;
};

// As ReadAttempt, into a buffer that it leases for each try and keeps only if
// that has brought something.
class LeasedReadAttempt : public SocketAttempt {
 public:
  LeasedReadAttempt(reactor::Source& source, const Peer& peer,
                    bool& short_read) noexcept
      : SocketAttempt(source, peer), short_read_(short_read) {}

  std::optional<absl::StatusOr<LeasedBytes>> operator()();

 private:
  bool& short_read_;
};

// As ReadAttempt, into several pieces in turn: the first sixteen that have
// room.
class VectoredReadAttempt : public SocketAttempt {
 public:
  VectoredReadAttempt(reactor::Source& source, const Peer& peer,
                      MutableByteParts parts, bool& short_read) noexcept
      : SocketAttempt(source, peer), parts_(parts), short_read_(short_read) {}

  std::optional<Count> operator()();

 private:
  MutableByteParts parts_;
  bool& short_read_;
};

// As ReadAttempt, and what it gives stays there to be read. The next read must
// try, therefore: no event tells of what one has seen already. Sockets only.
class PeekAttempt : public SocketAttempt {
 public:
  PeekAttempt(reactor::Source& source, const Peer& peer,
              std::span<std::byte> into, bool& short_read) noexcept
      : SocketAttempt(source, peer), into_(into), short_read_(short_read) {}

  std::optional<Count> operator()();

 private:
  std::span<std::byte> into_;
  bool& short_read_;
};

// Goes on until `into` is full, and remembers how far it got. Its limit runs
// anew when it has got somewhere.
class ReadExactlyAttempt : public SocketAttempt {
 public:
  ReadExactlyAttempt(reactor::Source& source, const Peer& peer,
                     std::span<std::byte> into, bool& short_read) noexcept
      : SocketAttempt(source, peer), into_(into), short_read_(short_read) {}

  std::optional<absl::Status> operator()();
  bool paused() const noexcept { return paused_; }

 private:
  std::span<std::byte> into_;
  std::size_t filled_ = 0;
  bool paused_ = false;
  bool& short_read_;
};

class WriteAttempt : public SocketAttempt {
 public:
  WriteAttempt(reactor::Source& source, const Peer& peer,
               std::span<const std::byte> from) noexcept
      : SocketAttempt(source, peer), from_(from) {}

  std::optional<Count> operator()();

 private:
  std::span<const std::byte> from_;
};

// Takes the first sixteen parts that hold anything, and kLongestCall bytes of
// them at most; the caller loops anyway.
class VectoredWriteAttempt : public SocketAttempt {
 public:
  VectoredWriteAttempt(reactor::Source& source, const Peer& peer,
                       ByteParts parts) noexcept
      : SocketAttempt(source, peer), parts_(parts) {}

  std::optional<Count> operator()();

 private:
  ByteParts parts_;
};

// Lets the system move bytes from `file`, at `offset`, to a socket.
class SendFileAttempt : public SocketAttempt {
 public:
  SendFileAttempt(reactor::Source& source, const Peer& peer,
                  const reactor::Fd& file, std::uint64_t offset,
                  std::size_t size) noexcept
      : SocketAttempt(source, peer),
        file_(file),
        offset_(offset),
        size_(size) {}

  std::optional<Count> operator()();

 private:
  const reactor::Fd& file_;
  std::uint64_t offset_;
  std::size_t size_;
};

// Goes on until all is written or the socket is full, and remembers how far it
// got. Its limit runs anew when it has got somewhere. After kLongestCall bytes
// it pauses: then others run, and a cancellation or a close is noticed.
class WriteAllAttempt : public SocketAttempt {
 public:
  WriteAllAttempt(reactor::Source& source, const Peer& peer,
                  std::span<const std::byte> from) noexcept
      : SocketAttempt(source, peer), rest_(from) {}

  std::optional<absl::Status> operator()();
  bool paused() const noexcept { return paused_; }

 private:
  // The first call of this try did not take all: it answered `sent`, and
  // `error` if that is -1.
  std::optional<absl::Status> GoOn(ssize_t sent, int error);

  std::span<const std::byte> rest_;
  bool paused_ = false;
};

}  // namespace weft::net

#endif  // WEFT_NET_SOCKET_ATTEMPTS_H_
