// The system calls that make, name and tune a socket, each with an error that
// says what was tried on what:
//
//     FAILED_PRECONDITION: bind("127.0.0.1:80"): Address already in use
//
// None of them waits. What a socket then does is tcp_listener.h, tcp_stream.h,
// udp_socket.h.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SOCKET_H_
#define WEFT_NET_SOCKET_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/peer.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// `call("127.0.0.1:80")`: how an operation on an address is named in errors.
std::string NameOf(std::string_view call, const Address& address);
std::string NameOf(std::string_view call, const Peer& peer);

// A TCP socket for the family of `address`; non-blocking, not inherited. For
// IPv6, one that speaks IPv6 only, until it is told otherwise: what "[::]:80"
// means is then the same on every system.
absl::StatusOr<reactor::Fd> OpenTcpSocket(reactor::System& system,
                                          const Address& address);

// As OpenTcpSocket, for datagrams.
absl::StatusOr<reactor::Fd> OpenUdpSocket(reactor::System& system,
                                          const Address& address);

// Makes a descriptor that came from elsewhere like one of ours: non-blocking,
// not inherited. INVALID_ARGUMENT where it is no socket of `type`, which is
// SOCK_STREAM or one of its likes.
absl::Status PrepareForeign(reactor::System& system, int fd, int type);

// As PrepareForeign, of a stream socket that listens. FAILED_PRECONDITION where
// it does not.
absl::Status PrepareForeignListener(reactor::System& system, int fd);

absl::Status BindSocket(reactor::System& system, int fd,
                        const Address& address);

// Sets an option that is a number or a switch. `what` names it in errors.
absl::Status SetOption(reactor::System& system, int fd, int level, int name,
                       int value, std::string_view what);

// The socket's own end, and the other one.
absl::StatusOr<Address> LocalAddressOf(reactor::System& system, int fd);
absl::StatusOr<Address> PeerAddressOf(reactor::System& system, int fd);
absl::StatusOr<UnixAddress> LocalUnixAddressOf(reactor::System& system, int fd);
absl::StatusOr<UnixAddress> PeerUnixAddressOf(reactor::System& system, int fd);

// Takes the error that the socket has noted and not yet reported, such as the
// outcome of a connect. OK when there is none. `what` names what went wrong.
absl::Status TakePendingError(reactor::System& system, int fd,
                              std::string_view what);

}  // namespace weft::net

#endif  // WEFT_NET_SOCKET_H_
