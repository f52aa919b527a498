// Binding, adopting, and streams out of what was accepted.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::System;

absl::Status Prepare(System& system, int fd, const Address& address,
                     const ListenOptions& options) {
  absl::Status status = absl::OkStatus();
  const auto set = [&](const NumberOption& option, std::optional<int> value) {
    if (!status.ok() || !value.has_value()) return;
    status = SetOption(system, fd, option, *value);
  };
  if (options.reuse_address) set(kReuseAddress, 1);
  if (options.reuse_port) set(kReusePort, 1);
  if (address.is_ipv6()) set(kIpv6Only, options.ipv6_only ? 1 : 0);
  set(kSendBufferSize, options.send_buffer_size);
  set(kReceiveBufferSize, options.receive_buffer_size);
  if (status.ok()) status = BindSocket(system, fd, address);
  if (status.ok() && system.listen(fd, options.backlog) != 0) {
    // Two that may share an address may bind it; only one may listen.
    const int error = errno;
    status = ErrnoToStatus(error, NameOf("listen", address));
  }
  return status;
}

absl::StatusOr<TcpStream> Connected(AcceptedSocket accepted) {
  const Address::SystemForm form(accepted.peer, accepted.peer_size);
  const absl::StatusOr<Address> peer = Address::FromSystem(form);
  if (!peer.ok()) return peer.status();
  return TcpStream::Adopt(std::move(accepted.socket), *peer);
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
  return Adopt(reactor, *std::move(socket));
}

absl::StatusOr<TcpListener> TcpListener::FromFd(Fd socket) {
  reactor::Reactor& reactor = CurrentReactor();
  absl::Status usable = PrepareForeignListener(reactor.system(), socket.get());
  if (!usable.ok()) return usable;
  return Adopt(reactor, std::move(socket));
}

absl::StatusOr<TcpListener> TcpListener::Adopt(reactor::Reactor& reactor,
                                               Fd socket) {
  absl::StatusOr<Address> local =
      LocalAddressOf(reactor.system(), socket.get());
  if (!local.ok()) return std::move(local).status();
  return TcpListener(ListeningSocket(reactor.sources().Adopt(std::move(socket),
                                                             reactor.system()),
                                     local->ToString()),
                     *local);
}

Task<absl::StatusOr<TcpStream>> TcpListener::Accept() {
  AcceptedSocket accepted = co_await OrReturn(socket_.Accept());
  co_return Connected(std::move(accepted));
}

Task<absl::StatusOr<std::vector<TcpStream>>> TcpListener::AcceptBatch(
    std::size_t most) {
  std::vector<AcceptedSocket> batch =
      co_await OrReturn(socket_.AcceptBatch(most));
  std::vector<TcpStream> streams;
  streams.reserve(batch.size());
  for (AcceptedSocket& accepted : batch) {
    absl::StatusOr<TcpStream> stream = Connected(std::move(accepted));
    // One from nowhere that has a name is closed; the others are fine.
    if (stream.ok()) streams.push_back(*std::move(stream));
  }
  co_return streams;
}

}  // namespace weft::net
