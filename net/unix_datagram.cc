// Binding, connecting, and a wait that no event ends.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_datagram.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weft/net/peer.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::System;

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(20);

absl::StatusOr<Fd> OpenDatagrams(System& system, const UnixAddress& address) {
  Fd socket(system.socket(AF_UNIX, SOCK_DGRAM, 0), system);
  const int error = errno;
  if (socket) return socket;
  return ErrnoToStatus(error,
                       NameOf("socket", Peer::Socket(address.ToString())));
}

}  // namespace

absl::StatusOr<UnixDatagram> UnixDatagram::Bind(
    std::string_view address, const UnixDatagramOptions& options) {
  const absl::StatusOr<UnixAddress> parsed = UnixAddress::Parse(address);
  if (!parsed.ok()) return parsed.status();
  return Bind(*parsed, options);
}

absl::StatusOr<UnixDatagram> UnixDatagram::Bind(
    const UnixAddress& address, const UnixDatagramOptions& options) {
  System& system = CurrentReactor().system();
  absl::StatusOr<Fd> socket = OpenDatagrams(system, address);
  if (!socket.ok()) return std::move(socket).status();
  absl::Status bound =
      BindUnix(system, socket->get(), address, options.replace_stale);
  if (!bound.ok()) return bound;
  return Adopt(*std::move(socket), address, BoundPath(system, address));
}

absl::StatusOr<UnixDatagram> UnixDatagram::Unbound() {
  absl::StatusOr<Fd> socket =
      OpenDatagrams(CurrentReactor().system(), UnixAddress());
  if (!socket.ok()) return std::move(socket).status();
  return Adopt(*std::move(socket), UnixAddress(), BoundPath());
}

absl::StatusOr<std::pair<UnixDatagram, UnixDatagram>> UnixDatagram::Pair() {
  System& system = CurrentReactor().system();
  int ends[2] = {-1, -1};
  if (system.socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) {
    return ErrnoToStatus(errno, "socketpair");
  }
  Fd first(ends[0], system);
  Fd second(ends[1], system);
  return std::pair(Adopt(std::move(first), UnixAddress(), BoundPath()),
                   Adopt(std::move(second), UnixAddress(), BoundPath()));
}

absl::StatusOr<UnixDatagram> UnixDatagram::FromFd(Fd socket) {
  System& system = CurrentReactor().system();
  absl::Status usable = PrepareForeign(system, socket.get(), SOCK_DGRAM);
  if (!usable.ok()) return usable;
  absl::StatusOr<UnixAddress> local = LocalUnixAddressOf(system, socket.get());
  if (!local.ok()) return std::move(local).status();
  return Adopt(std::move(socket), *std::move(local), BoundPath());
}

UnixDatagram UnixDatagram::Adopt(Fd socket, UnixAddress local, BoundPath path) {
  reactor::Reactor& reactor = CurrentReactor();
  return UnixDatagram(
      reactor.sources().Adopt(std::move(socket), reactor.system()),
      std::move(local), std::move(path));
}

absl::Status UnixDatagram::Connect(std::string_view address) {
  const absl::StatusOr<UnixAddress> parsed = UnixAddress::Parse(address);
  return parsed.ok() ? Connect(*parsed) : parsed.status();
}

absl::Status UnixDatagram::Connect(const UnixAddress& address) {
  const UnixAddress::SystemForm form = address.ToSystem();
  absl::Status status = WithDescriptor(*source_, [&](System& system, int fd) {
    const int connected = reactor::RetryInterrupted(
        [&] { return system.connect(fd, form.get(), form.size()); });
    const int error = errno;
    if (connected == 0) return absl::OkStatus();
    return ErrnoToStatus(error,
                         NameOf("connect", Peer::Socket(address.ToString())));
  });
  if (status.ok()) peer_ = address;
  return status;
}

// Readiness is of no use here. unix_dgram_poll in the kernel knows of the queue
// of a connected peer only, and so calls us writable; and a try that fails
// gives its memory back, which is an edge: who waited for that would spin.
Task<absl::Status> UnixDatagram::SendTo(std::span<const std::byte> bytes,
                                        UnixAddress to) {
  const Instant begin = Now();
  absl::Duration pause = kFirstPause;
  for (;;) {
    const OutgoingTo<UnixAddress> datagram = {.bytes = bytes, .to = to};
    absl::Status sent = co_await Sending(datagram, absl::ZeroDuration());
    const absl::Duration left = write_timeout_ - (Now() - begin);
    if (!absl::IsDeadlineExceeded(sent) || left <= absl::ZeroDuration()) {
      co_return sent;
    }
    co_await OrReturn(SleepFor(std::min(pause, left)));
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace weft::net
