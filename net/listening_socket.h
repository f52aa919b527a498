// ListeningSocket: where connections come in, of whatever family. What a
// TcpListener and a UnixListener are made of.
//
// What may go wrong with an accept, and whose problem it is:
//
//     the connection's    it was reset, or its network vanished, while it was
//                         queued: the next one is accepted
//     the process's       no descriptor or no memory is left, or a firewall
//                         forbids it: connections stay in the queue, and the
//                         listener looks again after a while, longer and
//                         longer; it neither spins nor fails
//     the listener's      reported
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_LISTENING_SOCKET_H_
#define WEFT_NET_LISTENING_SOCKET_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/task.h"

namespace weft::net {

// A connection, and who has connected, as the system tells it.
struct AcceptedSocket {
  reactor::Fd socket;
  sockaddr_storage peer;
  socklen_t peer_size;
};

// Threads: one task accepts at a time. Close and times_starved may come from
//          anywhere. Moving it is for when nobody uses it.
class ListeningSocket {
 public:
  // Takes over a descriptor that listens and does not block. `name` is what it
  // is called in errors: accept("127.0.0.1:80").
  ListeningSocket(reactor::SourceHandle source, std::string name) noexcept
      : source_(std::move(source)), name_(std::move(name)) {}
  ListeningSocket(ListeningSocket&& other) noexcept
      : source_(std::move(other.source_)),
        name_(std::move(other.name_)),
        times_starved_(other.times_starved()) {}
  ListeningSocket& operator=(ListeningSocket&& other) noexcept {
    source_ = std::move(other.source_);
    name_ = std::move(other.name_);
    times_starved_.store(other.times_starved(), std::memory_order_relaxed);
    return *this;
  }

  // The next connection.
  //
  // Suspends: until there is one, and while the process lacks descriptors or
  //           memory for it, or may not have it.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Errors:   FAILED_PRECONDITION when the listener is closed on this side.
  Task<absl::StatusOr<AcceptedSocket>> Accept();

  // The next connection, and those that are there already, `most` at most.
  //
  // Suspends: as Accept, until there is one.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Errors:   as Accept.
  // Requires: most > 0.
  Task<absl::StatusOr<std::vector<AcceptedSocket>>> AcceptBatch(
      std::size_t most);

  // Stops listening. An accept that pauses, for want of descriptors say, tells
  // so after its pause.
  void Close() noexcept { source_->Close(); }

  // relaxed: a number to look at, which orders nothing.
  std::uint64_t times_starved() const noexcept {
    return times_starved_.load(std::memory_order_relaxed);
  }
  reactor::Source& source() const noexcept { return *source_; }

 private:
  reactor::SourceHandle source_;
  std::string name_;
  Atomic<std::uint64_t> times_starved_{0};  // Written by the task that accepts.
};

}  // namespace weft::net

#endif  // WEFT_NET_LISTENING_SOCKET_H_
