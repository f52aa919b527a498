// TakeActivatedSockets: the sockets that a service manager has opened for this
// program before it started it: systemd's socket activation.
//
//     int main() {
//       auto sockets = net::TakeActivatedSockets();        // Before RunMain.
//       ...
//     auto listener =
//         co_await OrReturn(TcpListener::FromFd(std::move(sockets[0].socket)));
//
// The manager keeps listening while the program is restarted, so no connection
// is refused meanwhile; and the program needs no right to a low port.
//
//     LISTEN_PID      whom the sockets are for: this process, or nobody
//     LISTEN_FDS      how many: descriptors 3, 4, ...
//     LISTEN_FDNAMES  what they are called, with colons in between
//
// sd_listen_fds(3).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SOCKET_ACTIVATION_H_
#define WEFT_NET_SOCKET_ACTIVATION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

struct ActivatedSocket {
  std::string name;  // "unknown" where the manager has not given one.
  reactor::Fd socket;
};

// Takes over what was handed over, in the manager's order; nothing where the
// program was started by other means. The variables are removed, so that a
// second call, or a child, does not take the same descriptors again.
//
// Threads: before there are others: it changes the environment.
// Owns:    every socket, from here on: none is inherited by children. But where
//          it is INVALID_ARGUMENT, none.
// Errors:  INVALID_ARGUMENT where a variable is not what it should be: nobody
//          knows then which descriptors are meant, and they stay as they are;
//          FAILED_PRECONDITION where a descriptor is not open, or what else
//          keeps it from being taken. All of them are closed then.
absl::StatusOr<std::vector<ActivatedSocket>> TakeActivatedSockets(
    reactor::System& system = reactor::System::Kernel());

}  // namespace weft::net

#endif  // WEFT_NET_SOCKET_ACTIVATION_H_
