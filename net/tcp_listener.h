// TcpListener: where TCP connections come in.
//
//     auto listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:7777"));
//     for (;;) {
//       TcpStream client = co_await OrReturn(listener.Accept());
//       clients.Spawn(Serve, std::move(client));
//     }
//
// What an accept does about errors is every listener's: listening_socket.h.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TCP_LISTENER_H_
#define WEFT_NET_TCP_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/listening_socket.h"
#include "weft/net/socket_options.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/task.h"

namespace weft::net {

class Resolver;

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
  // Whether "[::]:80" is IPv6 alone, and "0.0.0.0:80" may be listened to beside
  // it, or takes in what comes by IPv4 as well (IPV6_V6ONLY).
  bool ipv6_only = true;
  // Of the connections that are accepted; nothing: what the system likes.
  // Before a connection is made it counts for what TCP can announce, so here.
  std::optional<int> send_buffer_size = {};
  std::optional<int> receive_buffer_size = {};
  // Likewise of those that are accepted: the system hands it down to them, so
  // it costs no call for each. As in ConnectOptions. (macOS hands down all but
  // KeepAlive::idle, of which they have what the system likes: who needs it
  // there calls SetKeepAlive.)
  bool no_delay = false;
  std::optional<KeepAlive> keep_alive = {};
  // Without ipv6_only it is for clients by either family, which macOS refuses:
  // there take a listener for each.
  std::optional<int> type_of_service = {};
  // The number of the only interface through which they may come
  // (InterfaceNumber); not 0, which is none's. Whether there is such a one is
  // not looked at: where there is none, nobody comes.
  std::optional<std::uint32_t> interface = {};
};

// Threads: one task accepts at a time. Close and times_starved may come from
//          anywhere. Moving it is for when nobody uses it.
class TcpListener {
 public:
  // Listens on `address`, which is read as Address::Parse does; port 0 means
  // any that is free. Waits for nothing. Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for the text of an address, or an option;
  //         FAILED_PRECONDITION where the address is in use or not of this
  //         machine, PERMISSION_DENIED for a port one may not use.
  static absl::StatusOr<TcpListener> Bind(std::string_view address,
                                          const ListenOptions& options = {});
  static absl::StatusOr<TcpListener> Bind(const Address& address,
                                          const ListenOptions& options = {});

  // As Bind, at an address or what names a host and a port or service:
  // "localhost:7777". Of a host with several addresses it is the first, in the
  // order of the system, that can be listened on: one, and not all of them, so
  // a host of both families is reached by one of them. (A listener for each is
  // made of LookUpHost and Bind.) A `resolver` is asked, and remembers; null:
  // the system. Requires: InsideRuntime().
  //
  // Suspends: until the name is known.
  // Cancel:   CANCELLED; nothing is open.
  // Borrows:  the resolver.
  // Errors:   as Bind, of the first address with the messages of all; NOT_FOUND
  //           where there is no such host.
  static Task<absl::StatusOr<TcpListener>> BindByName(
      std::string_view address, ListenOptions options = {},
      Resolver* resolver = nullptr);

  // Takes over a listening socket that comes from elsewhere, such as from
  // systemd (socket_activation.h). It is told not to block and not to be
  // inherited. Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for what is no TCP socket, FAILED_PRECONDITION
  //         where it does not listen. It is closed then.
  static absl::StatusOr<TcpListener> FromFd(reactor::Fd socket);

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

  // The next connection, and those that are there already, `most` at most:
  // fewer turns of the accepting task where many connect at a time.
  //
  // Suspends: as Accept.
  // Cancel:   CANCELLED; no connection has been accepted.
  // Borrows:  the listener.
  // Errors:   as Accept.
  // Requires: most > 0.
  Task<absl::StatusOr<std::vector<TcpStream>>> AcceptBatch(std::size_t most);

  // Stops listening: connections that were not accepted are reset, and the
  // waiter gets FAILED_PRECONDITION. Idempotent. An accept that pauses, for
  // want of descriptors say, tells so after its pause.
  //
  // Threads: any, while the listener is neither moved nor destroyed.
  void Close() noexcept { socket_.Close(); }

  // Where it listens, with the port that the system chose.
  const Address& local_address() const noexcept { return local_address_; }

  // For what it has no function for: WithDescriptor (socket_options.h) sets an
  // option by its number, DuplicateOf (duplicate.h) gives a descriptor away.
  reactor::Source& source() const noexcept { return socket_.source(); }

  // How often an accept found no descriptor or no memory left, or was
  // forbidden: for an eye on it while a Server runs.
  //
  // Threads: any.
  std::uint64_t times_starved() const noexcept {
    return socket_.times_starved();
  }

 private:
  static absl::StatusOr<TcpListener> Adopt(reactor::Reactor& reactor,
                                           reactor::Fd socket);
  TcpListener(ListeningSocket socket, const Address& local) noexcept
      : socket_(std::move(socket)), local_address_(local) {}

  ListeningSocket socket_;
  Address local_address_;
};

}  // namespace weft::net

#endif  // WEFT_NET_TCP_LISTENER_H_
