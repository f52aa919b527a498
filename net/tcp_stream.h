// TcpStream: a TCP connection.
//
//     TcpStream stream = co_await OrReturn(TcpStream::Connect("10.0.0.1:80"));
//     co_await OrReturn(stream.WriteAll(request));
//     size_t n = co_await OrReturn(stream.Read(buffer));    // 0: the end.
//
// Reading, writing, splitting and closing are every stream socket's
// (stream_socket.h); here is what is TCP's own.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TCP_STREAM_H_
#define WEFT_NET_TCP_STREAM_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/socket_options.h"
#include "weft/net/stream_socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

class Resolver;

struct ConnectOptions {
  // DEADLINE_EXCEEDED after this. The system has a limit of its own, of two
  // minutes or so, and then says UNAVAILABLE.
  absl::Duration timeout = absl::InfiniteDuration();
  // Whether small writes go out at once, instead of waiting for the answer to
  // those before (TCP_NODELAY).
  bool no_delay = false;
  // Whether, and when, a peer that says nothing is asked whether it is still
  // there (TcpStream::SetKeepAlive).
  std::optional<KeepAlive> keep_alive = {};
  // Nothing: what the system likes. What TCP announces about its windows it
  // does when it connects, so a large buffer is asked for here and not later.
  std::optional<int> send_buffer_size = {};
  std::optional<int> receive_buffer_size = {};
  // What routers are asked to do with it, from the first packet on
  // (TcpStream::SetTypeOfService).
  std::optional<int> type_of_service = {};
  // The number of the only interface that it may go through (InterfaceNumber),
  // whatever the routes say; not 0, which is none's. Linux before 5.7 allows
  // that to root alone.
  std::optional<std::uint32_t> interface = {};
  // The address of this machine to come from; port 0 for any. Of the family of
  // the address that is connected to; of a host's addresses only those of its
  // family are tried.
  std::optional<Address> source = {};
  // Who is asked for host names, and remembers them; null: the system, every
  // time. Borrowed until the connection is made.
  Resolver* resolver = nullptr;
  // How long the first address of a host is tried alone before the second is
  // tried as well, and so on (happy_eyeballs.h). From 10 milliseconds to 2
  // seconds; what is outside is taken as the nearer of the two.
  absl::Duration attempt_delay = absl::Milliseconds(250);
};

// Threads: as StreamSocket's.
class TcpStream : public StreamSocket {
 public:
  // Connects to `address`, which is read as Address::Parse does, or names a
  // host and a port or service: "10.0.0.1:80", "[::1]:80", "localhost:http". Of
  // a host with several addresses it is the first that answers.
  //
  // Suspends: until the name is known and a peer has answered.
  // Cancel:   CANCELLED; the sockets are closed.
  // Errors:   INVALID_ARGUMENT for text that is neither; NOT_FOUND where there
  //           is no such host; UNAVAILABLE where the peer refuses or cannot be
  //           reached, DEADLINE_EXCEEDED after options.timeout,
  //           RESOURCE_EXHAUSTED where no descriptor is left.
  static Task<absl::StatusOr<TcpStream>> Connect(std::string_view address,
                                                 ConnectOptions options = {});
  static Task<absl::StatusOr<TcpStream>> Connect(const Address& address,
                                                 ConnectOptions options = {});

  // Takes over a connected socket that does not block. `peer` is for
  // peer_address() and for messages.
  // Requires: InsideRuntime().
  static TcpStream Adopt(reactor::Fd socket, const Address& peer);
  static TcpStream FromSource(reactor::SourceHandle source,
                              const Address& peer) noexcept {
    return TcpStream(StreamSocket(std::move(source), Peer(peer)));
  }

  // As Adopt, of a descriptor that is not known to be what it should be: it is
  // looked at, and told not to block and not to be inherited.
  // Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for what is no TCP socket; FAILED_PRECONDITION
  //         where it is not connected. It is closed then.
  static absl::StatusOr<TcpStream> FromFd(reactor::Fd socket);

  // As Close, but what has not been sent is thrown away, and the peer is told
  // so: it gets "connection reset" instead of the end.
  void Abort() noexcept;

  // Whether small writes go out at once (TCP_NODELAY).
  absl::Status SetNoDelay(bool no_delay);
  absl::StatusOr<bool> no_delay() const;

  // Whether, and when, a peer that says nothing is asked whether it is still
  // there. One that does not answer ends the connection: UNAVAILABLE.
  absl::Status SetKeepAlive(std::optional<KeepAlive> keep_alive);
  absl::StatusOr<std::optional<KeepAlive>> keep_alive() const;

  // What closing does with what was written and not sent (SO_LINGER). Nothing:
  // the system goes on sending, which is the default. Zero: every close is an
  // Abort. Any other time, in whole seconds, makes Close and the destructor
  // BLOCK the thread, and all tasks on it, until everything has been sent or
  // that time is over; Linux heeds no O_NONBLOCK there. Whoever wants to know
  // that the peer has got everything calls ShutdownWrite and reads to the end.
  absl::Status SetLinger(std::optional<absl::Duration> linger);
  absl::StatusOr<std::optional<absl::Duration>> linger() const;

  // What routers are asked to do with it (IP_TOS, IPV6_TCLASS): RFC 2474. By
  // the family of its packets, which are IPv4's where a peer's address is
  // written "[::ffff:10.0.0.1]:80". macOS refuses it of such a one.
  absl::Status SetTypeOfService(int value);
  absl::StatusOr<int> type_of_service() const;

  const Address& peer_address() const noexcept { return peer().address(); }
  absl::StatusOr<Address> local_address() const;

  // The whole again. INVALID_ARGUMENT, and both are gone, when they are not
  // halves of one TcpStream.
  static absl::StatusOr<TcpStream> Reunite(ReadHalf read, WriteHalf write);

 private:
  explicit TcpStream(StreamSocket socket) noexcept
      : StreamSocket(std::move(socket)) {}
};

}  // namespace weft::net

#endif  // WEFT_NET_TCP_STREAM_H_
