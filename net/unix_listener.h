// UnixListener: where connections of this machine come in.
//
//     auto listener = co_await OrReturn(UnixListener::Bind("/run/weft.sock"));
//     for (;;) {
//       UnixStream client = co_await OrReturn(listener.Accept());
//       clients.Spawn(Serve, std::move(client));
//     }
//
// Binding to a path makes a file of that name, which the system leaves behind
// when the socket is closed: the next bind then says "address in use". So the
// listener removes its file when it closes, if the file is still its own; and
// it takes the place of one that a dead program has left, if asked to.
//
// What an accept does about errors is every listener's: listening_socket.h.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_UNIX_LISTENER_H_
#define WEFT_NET_UNIX_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/bound_path.h"
#include "weft/net/listening_socket.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct UnixListenOptions {
  // How many connections may wait to be accepted; a client that finds the queue
  // full waits.
  int backlog = 4096;
  // Whether a socket file at the path, behind which nobody listens any more, is
  // removed first. What is no socket never is. Of two programs that do so at
  // one moment, one listens and the other is told that the address is in use
  // (path_claim.h). One that does not ask for it may still be taken for stale
  // between its bind and its listen.
  bool replace_stale = false;
};

// Threads: one task accepts at a time. Close and times_starved may come from
//          anywhere. Moving it is for when nobody uses it.
class UnixListener {
 public:
  // Listens on `address`, which is read as UnixAddress::Parse does. Waits for
  // no other process. Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for the text of an address; FAILED_PRECONDITION
  //         where it is in use, NOT_FOUND and PERMISSION_DENIED for the folder
  //         of the path.
  static absl::StatusOr<UnixListener> Bind(
      std::string_view address, const UnixListenOptions& options = {});
  static absl::StatusOr<UnixListener> Bind(
      const UnixAddress& address, const UnixListenOptions& options = {});

  // As TcpListener::FromFd. The file of its path is left alone.
  static absl::StatusOr<UnixListener> FromFd(reactor::Fd socket);

  UnixListener(UnixListener&&) noexcept = default;
  UnixListener& operator=(UnixListener&& other) noexcept {
    path_ = std::move(other.path_);  // First: see below.
    socket_ = std::move(other.socket_);
    local_address_ = std::move(other.local_address_);
    return *this;
  }

  // The next connection.
  //
  // Suspends: until there is one, and while the process lacks descriptors or
  //           memory for it.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Errors:   FAILED_PRECONDITION when the listener is closed on this side.
  Task<absl::StatusOr<UnixStream>> Accept();

  // As TcpListener::AcceptBatch.
  //
  // Suspends: as Accept.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Requires: most > 0.
  Task<absl::StatusOr<std::vector<UnixStream>>> AcceptBatch(std::size_t most);

  // Stops listening, and removes the file: connections that were not accepted
  // are reset, and the waiter gets FAILED_PRECONDITION. Idempotent.
  //
  // Threads: any, while the listener is neither moved nor destroyed.
  void Close() noexcept {
    path_.Remove();
    socket_.Close();
  }

  // The file stays when the listener goes: a duplicate of it (duplicate.h)
  // listens there from now on, in this process or another.
  //
  // Threads: as Close.
  void LeaveFile() noexcept { path_.Leave(); }

  const UnixAddress& local_address() const noexcept { return local_address_; }

  // As TcpListener's.
  reactor::Source& source() const noexcept { return socket_.source(); }

  // As TcpListener's.
  std::uint64_t times_starved() const noexcept {
    return socket_.times_starved();
  }

 private:
  UnixListener(ListeningSocket socket, UnixAddress local,
               BoundPath path) noexcept
      : socket_(std::move(socket)),
        local_address_(std::move(local)),
        path_(std::move(path)) {}

  ListeningSocket socket_;
  UnixAddress local_address_;
  // Removed before the socket is closed: after that, somebody else may have a
  // socket there that is the same file by all its numbers.
  BoundPath path_;
};

}  // namespace weft::net

#endif  // WEFT_NET_UNIX_LISTENER_H_
