// TcpListener: where TCP connections come in.
//
//     auto listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:7777"));
//     for (;;) {
//       TcpStream client = co_await OrReturn(listener.Accept());
//       clients.Spawn(Serve, std::move(client));
//     }
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

#ifndef WEFT_NET_TCP_LISTENER_H_
#define WEFT_NET_TCP_LISTENER_H_

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct ListenOptions {
  // How many connections may wait to be accepted. The system has a limit of its
  // own (4096, as a rule) and takes the smaller.
  int backlog = 4096;
  // Whether to listen on an address that connections of an earlier listener
  // still linger on (SO_REUSEADDR). It never shares a port with a live one.
  bool reuse_address = true;
  // Whether several listeners share the port and the system deals connections
  // out to them (SO_REUSEPORT).
  bool reuse_port = false;
};

// Threads: one task accepts at a time. Close may come from anywhere. Moving it
//          is for when nobody uses it.
class TcpListener {
 public:
  // Listens on `address`, which is read as Address::Parse does; port 0 means
  // any that is free. Waits for nothing. Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for the text of an address; FAILED_PRECONDITION
  //         where the address is in use or not of this machine,
  //         PERMISSION_DENIED for a port one may not use.
  static absl::StatusOr<TcpListener> Bind(std::string_view address,
                                          const ListenOptions& options = {});
  static absl::StatusOr<TcpListener> Bind(const Address& address,
                                          const ListenOptions& options = {});

  TcpListener(TcpListener&&) noexcept = default;
  TcpListener& operator=(TcpListener&&) noexcept = default;

  // The next connection.
  //
  // Suspends: until there is one, and while the process lacks descriptors or
  //           memory for it, or may not have it.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Errors:   FAILED_PRECONDITION when the listener is closed on this side.
  // Cost:     a frame from the pool; one or two system calls.
  Task<absl::StatusOr<TcpStream>> Accept();

  // Stops listening: connections that were not accepted are reset, and the
  // waiter gets FAILED_PRECONDITION. Idempotent. An accept that pauses, for
  // want of descriptors say, tells so after its pause.
  //
  // Threads: any, while the listener is neither moved nor destroyed.
  void Close() noexcept { source_->Close(); }

  // Where it listens, with the port that the system chose.
  const Address& local_address() const noexcept { return local_address_; }

  // How often an accept found no descriptor or no memory left, or was
  // forbidden. Read it where you accept.
  std::uint64_t times_starved() const noexcept { return times_starved_; }

 private:
  TcpListener(reactor::SourceHandle source, const Address& local) noexcept
      : source_(std::move(source)), local_address_(local) {}

  reactor::SourceHandle source_;
  Address local_address_;
  std::uint64_t times_starved_ = 0;
};

}  // namespace weft::net

#endif  // WEFT_NET_TCP_LISTENER_H_
