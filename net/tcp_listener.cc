// Binding and accepting.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/net/socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::Source;
using ::weft::reactor::System;

constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Milliseconds(320);

// Not the listener's fault, and over: the connection that was at the front of
// the queue has gone. accept(2) lists them.
bool IsOfTheConnection(const absl::Status& status) {
  switch (reactor::ErrnoOf(status).value_or(0)) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
#ifdef ENONET  // Linux only; drop when the two systems agree.
    case ENONET:
#endif
      return true;
    default:
      return false;
  }
}

// The connection stays in the queue, and will be accepted when there is room,
// or when whoever forbids it thinks again: a firewall's or a sandbox's EPERM
// may be for this connection or for all that come.
bool MayPass(const absl::Status& status) {
  const std::optional<int> error = reactor::ErrnoOf(status);
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM || error == EPERM;
}

struct Accepted {
  Fd socket;
  Address peer;
};

class AcceptAttempt {
 public:
  AcceptAttempt(Source& source, const Address& local) noexcept
      : source_(source), local_(local) {}

  std::optional<absl::StatusOr<Accepted>> operator()() {
    System& system = source_.system();
    Address::SystemForm form;
    Fd socket(RetryInterrupted([&] {
                return system.accept(source_.fd(), form.get(),
                                     form.size_to_fill());
              }),
              system);
    if (socket) return Named(std::move(socket), form);
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return std::nullopt;
    return ErrnoToStatus(error, NameOf("accept", local_));
  }

 private:
  absl::StatusOr<Accepted> Named(Fd socket,
                                 const Address::SystemForm& form) const {
    // XNU gives a socket without a peer, and no error, where that has gone
    // while it was queued: what others call an aborted connection.
    if (form.size() == 0) {
      return ErrnoToStatus(ECONNABORTED, NameOf("accept", local_));
    }
    absl::StatusOr<Address> peer = Address::FromSystem(form);
    if (!peer.ok()) return std::move(peer).status();
    return Accepted{std::move(socket), *peer};
  }

  Source& source_;
  const Address& local_;
};

absl::Status Prepare(System& system, int fd, const Address& address,
                     const ListenOptions& options) {
  absl::Status status;
  if (options.reuse_address) {
    status.Update(
        SetOption(system, fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  }
  if (options.reuse_port) {
    status.Update(
        SetOption(system, fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
  }
  if (status.ok()) status = BindSocket(system, fd, address);
  if (status.ok() && system.listen(fd, options.backlog) != 0) {
    // Two that may share an address may bind it; only one may listen.
    const int error = errno;
    status = ErrnoToStatus(error, NameOf("listen", address));
  }
  return status;
}

}  // namespace

absl::StatusOr<TcpListener> TcpListener::Bind(std::string_view address,
                                              const ListenOptions& options) {
  absl::StatusOr<Address> parsed = Address::Parse(address);
  if (!parsed.ok()) return std::move(parsed).status();
  return Bind(*parsed, options);
}

absl::StatusOr<TcpListener> TcpListener::Bind(const Address& address,
                                              const ListenOptions& options) {
  reactor::Reactor& reactor = CurrentReactor();
  System& system = reactor.system();
  absl::StatusOr<Fd> socket = OpenTcpSocket(system, address);
  if (!socket.ok()) return std::move(socket).status();
  absl::Status status = Prepare(system, socket->get(), address, options);
  if (!status.ok()) return status;
  absl::StatusOr<Address> local = LocalAddressOf(system, socket->get());
  if (!local.ok()) return std::move(local).status();
  return TcpListener(reactor.sources().Adopt(*std::move(socket), system),
                     *local);
}

Task<absl::StatusOr<TcpStream>> TcpListener::Accept() {
  absl::Duration pause = kFirstPause;
  for (;;) {
    absl::StatusOr<Accepted> accepted = co_await WhenReady(
        *source_, reactor::Direction::kRead, FirstTry::kAtOnce,
        AcceptAttempt(*source_, local_address_));
    if (accepted.ok()) {
      co_return TcpStream::Adopt(std::move(accepted->socket), accepted->peer);
    }
    // Through the door again, and not in a loop of the attempt's own: a flood
    // of these is cancelled, and leaves room for others, like any other work.
    if (IsOfTheConnection(accepted.status())) continue;
    if (!MayPass(accepted.status())) {
      co_return std::move(accepted).status();
    }
    // No event will tell when it has passed, so the clock has to.
    ++times_starved_;
    co_await OrReturn(SleepFor(pause));
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace weft::net
