// Binding, adopting, and streams out of what was accepted.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/address_lookup.h"
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
  const bool ipv6 = address.is_ipv6();
  const auto set = [&](const NumberOption& option, std::optional<int> value) {
    SetIfGiven(system, fd, option, value, status);
  };
  if (options.reuse_address) set(kReuseAddress, 1);
  if (options.reuse_port) set(kReusePort, 1);
  if (ipv6) set(kIpv6Only, options.ipv6_only ? 1 : 0);
  set(kSendBufferSize, options.send_buffer_size);
  set(kReceiveBufferSize, options.receive_buffer_size);
  if (options.no_delay) set(kNoDelay, 1);
  set(TypeOfServiceOption(ipv6), options.type_of_service);
  // Those who come by IPv4 are answered by IPv4, which has its own: ip(7).
  if (ipv6 && !options.ipv6_only) set(kTypeOfService, options.type_of_service);
  SetInterfaceIfGiven(system, fd, ipv6, options.interface, status);
  if (status.ok() && options.keep_alive.has_value()) {
    status = SetKeepAliveOf(system, fd, options.keep_alive);
  }
  if (status.ok()) status = BindSocket(system, fd, address);
  if (status.ok() && system.listen(fd, options.backlog) != 0) {
    // Two that may share an address may bind it; only one may listen.
    const int error = errno;
    status = ErrnoToStatus(error, NameOf("listen", address));
  }
  return status;
}

Task<absl::StatusOr<TcpListener>> BindFirst(std::string text,
                                            ListenOptions options,
                                            Resolver* resolver) {
  std::vector<Address> addresses =
      co_await OrReturn(LookUpAddress(text, resolver, Transport::kTcp));
  std::optional<TcpListener> bound;
  absl::Status status =
      TryInTurn(addresses, "bind", text, [&](const Address& address) {
        absl::StatusOr<TcpListener> listener =
            TcpListener::Bind(address, options);
        if (listener.ok()) bound.emplace(*std::move(listener));
        return listener.status();
      });
  if (!status.ok()) co_return status;
  co_return *std::move(bound);
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

// Not a coroutine itself: a text need not outlive the call.
Task<absl::StatusOr<TcpListener>> TcpListener::BindByName(
    std::string_view address, ListenOptions options, Resolver* resolver) {
  return BindFirst(std::string(address), options, resolver);
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
