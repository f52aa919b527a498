// Binding, connecting and tuning; what waits is in datagram_attempts.
//
// SPDX-License-Identifier: MIT

#include "weft/net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "weft/net/address_lookup.h"
#include "weft/net/datagram_segments.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
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
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

constexpr NumberOption kBroadcast = {SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"};
constexpr NumberOption kTtl = {IPPROTO_IP, IP_TTL, "IP_TTL"};
constexpr NumberOption kHops = {IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                                "IPV6_UNICAST_HOPS"};

absl::Status Prepare(System& system, int fd, const Address& address,
                     const UdpOptions& options) {
  absl::Status status;
  if (options.reuse_address) {
    status.Update(SetOption(system, fd, kReuseAddress, 1));
  }
  if (options.reuse_port) {
    status.Update(SetOption(system, fd, kReusePort, 1));
  }
  if (options.broadcast) {
    status.Update(SetOption(system, fd, kBroadcast, 1));
  }
  if (status.ok()) status = BindSocket(system, fd, address);
  return status;
}

absl::Status ConnectTo(System& system, int fd, const Address& address) {
  const Address::SystemForm form = address.ToSystem();
  if (RetryInterrupted(
          [&] { return system.connect(fd, form.get(), form.size()); }) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  return ErrnoToStatus(error, NameOf("connect", address));
}

// Whether that has worked is seen by who the peer is: the BSDs, and macOS among
// them, dissolve the association and then complain of an address that nobody
// can connect to (connect(2) there calls that harmless).
absl::Status ConnectToNobody(System& system, int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  const int result = RetryInterrupted(
      [&] { return system.connect(fd, &nobody, sizeof(nobody)); });
  const int error = errno;
  if (result == 0) return absl::OkStatus();
  const absl::Status peer = PeerAddressOf(system, fd).status();
  if (reactor::ErrnoOf(peer) == ENOTCONN) return absl::OkStatus();
  return ErrnoToStatus(error, "connect(AF_UNSPEC)");
}

absl::StatusOr<UdpSocket> OpenTo(const Address& peer,
                                 const UdpDialOptions& options) {
  const Address any = peer.is_ipv4() ? Address::Any(0) : Address::AnyIpv6(0);
  absl::StatusOr<UdpSocket> socket =
      UdpSocket::Bind(options.source.value_or(any), options.socket);
  if (!socket.ok()) return socket;
  absl::Status connected = socket->Connect(peer);
  if (!connected.ok()) return connected;
  return socket;
}

// The socket of the first address with which `attempt` works; `call` and `text`
// are TryInTurn's.
absl::StatusOr<UdpSocket> OpenFirst(
    const std::vector<Address>& addresses, std::string_view call,
    std::string_view text,
    absl::FunctionRef<absl::StatusOr<UdpSocket>(const Address&)> attempt) {
  std::optional<UdpSocket> first;
  absl::Status status =
      TryInTurn(addresses, call, text, [&](const Address& address) {
        absl::StatusOr<UdpSocket> socket = attempt(address);
        if (socket.ok()) first.emplace(*std::move(socket));
        return socket.status();
      });
  if (!status.ok()) return status;
  return *std::move(first);
}

Task<absl::StatusOr<UdpSocket>> DialFirst(std::string text,
                                          UdpDialOptions options) {
  std::vector<Address> addresses =
      co_await OrReturn(LookUpAddress(text, options.resolver, Transport::kUdp));
  if (options.source.has_value()) KeepFamilyOf(*options.source, addresses);
  co_return OpenFirst(
      addresses, "connect", text,
      [&options](const Address& peer) { return OpenTo(peer, options); });
}

Task<absl::StatusOr<UdpSocket>> BindFirst(std::string text, UdpOptions options,
                                          Resolver* resolver) {
  std::vector<Address> addresses =
      co_await OrReturn(LookUpAddress(text, resolver, Transport::kUdp));
  co_return OpenFirst(addresses, "bind", text,
                      [&options](const Address& address) {
                        return UdpSocket::Bind(address, options);
                      });
}

}  // namespace

absl::StatusOr<UdpSocket> UdpSocket::Bind(std::string_view address,
                                          const UdpOptions& options) {
  absl::StatusOr<Address> parsed = Address::Parse(address);
  if (!parsed.ok()) return std::move(parsed).status();
  return Bind(*parsed, options);
}

absl::StatusOr<UdpSocket> UdpSocket::Bind(const Address& address,
                                          const UdpOptions& options) {
  System& system = CurrentReactor().system();
  absl::StatusOr<Fd> socket = OpenUdpSocket(system, address);
  if (!socket.ok()) return std::move(socket).status();
  absl::Status status = Prepare(system, socket->get(), address, options);
  if (!status.ok()) return status;
  return Adopt(*std::move(socket));
}

absl::StatusOr<UdpSocket> UdpSocket::FromFd(Fd socket) {
  absl::Status status =
      PrepareForeign(CurrentReactor().system(), socket.get(), SOCK_DGRAM);
  if (!status.ok()) return status;
  return Adopt(std::move(socket));
}

absl::StatusOr<UdpSocket> UdpSocket::Adopt(Fd socket) {
  reactor::Reactor& reactor = CurrentReactor();
  System& system = reactor.system();
  const absl::StatusOr<Address> local = LocalAddressOf(system, socket.get());
  if (!local.ok()) return local.status();
  UdpSocket adopted(reactor.sources().Adopt(std::move(socket), system), *local);
  absl::Status status = adopted.LearnAddresses();
  if (!status.ok()) return status;
  return adopted;
}

absl::Status UdpSocket::LearnAddresses() {
  return WithDescriptor(*source_, [this](System& system, int fd) {
    const absl::StatusOr<Address> local = LocalAddressOf(system, fd);
    if (!local.ok()) return local.status();
    local_ = *local;
    const absl::StatusOr<Address> peer = PeerAddressOf(system, fd);
    peer_.reset();
    if (peer.ok()) peer_ = *peer;
    if (reactor::ErrnoOf(peer.status()) == ENOTCONN) return absl::OkStatus();
    return peer.status();
  });
}

absl::Status UdpSocket::Connect(std::string_view address) {
  const absl::StatusOr<Address> parsed = Address::Parse(address);
  return parsed.ok() ? Connect(*parsed) : parsed.status();
}

// A Connect that fails may have ended the one before, or not, as systems go: so
// the addresses are asked for in any case.
absl::Status UdpSocket::Connect(const Address& address) {
  absl::Status status =
      WithDescriptor(*source_, [&address](System& system, int fd) {
        return ConnectTo(system, fd, address);
      });
  status.Update(LearnAddresses());
  return status;
}

// Not coroutines themselves: a text need not outlive the call.
Task<absl::StatusOr<UdpSocket>> UdpSocket::BindByName(std::string_view address,
                                                      UdpOptions options,
                                                      Resolver* resolver) {
  return BindFirst(std::string(address), options, resolver);
}

Task<absl::StatusOr<UdpSocket>> UdpSocket::Dial(std::string_view address,
                                                UdpDialOptions options) {
  return DialFirst(std::string(address), options);
}

Task<absl::Status> UdpSocket::ConnectByName(std::string_view address,
                                            Resolver* resolver) {
  return ConnectToFirst(std::string(address), resolver);
}

Task<absl::Status> UdpSocket::ConnectToFirst(std::string text,
                                             Resolver* resolver) {
  std::vector<Address> addresses =
      co_await OrReturn(LookUpAddress(text, resolver, Transport::kUdp));
  KeepFamilyOf(local_, addresses);
  co_return TryInTurn(addresses, "connect", text,
                      [this](const Address& peer) { return Connect(peer); });
}

// Linux forgets a port that it has chosen itself when the socket loses its peer
// (a socket that binds to port 0 and one that does not bind are one to it), and
// lets it be bound again.
absl::Status UdpSocket::Disconnect() {
  absl::Status status =
      WithDescriptor(*source_, [this](System& system, int fd) {
        absl::Status alone = ConnectToNobody(system, fd);
        if (!alone.ok()) return alone;
        const absl::StatusOr<Address> local = LocalAddressOf(system, fd);
        if (!local.ok()) return local.status();
        if (local->port() == bound_.port()) return absl::OkStatus();
        return BindSocket(system, fd, bound_);
      });
  status.Update(LearnAddresses());
  return status;
}

// --- Options ----------------------------------------------------------------

absl::StatusOr<bool> UdpSocket::SetCoalescing(bool coalesce) {
  bool can = false;
  absl::Status status = WithDescriptor(*source_, [&](System& system, int fd) {
    can = net::SetCoalescing(system, fd, coalesce);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  coalescing_ = can && coalesce ? Coalescing::kOn : Coalescing::kOff;
  return can;
}

absl::StatusOr<bool> UdpSocket::SendsSegments() const {
  bool can = false;
  absl::Status status = WithDescriptor(*source_, [&](System& system, int fd) {
    can = net::SendsSegments(system, fd);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return can;
}

absl::Status UdpSocket::SetBroadcast(bool broadcast) {
  return SetOptionOf(*source_, kBroadcast, broadcast ? 1 : 0);
}

absl::StatusOr<bool> UdpSocket::broadcast() const {
  const absl::StatusOr<int> value = OptionOf(*source_, kBroadcast);
  if (!value.ok()) return value.status();
  return *value != 0;
}

absl::Status UdpSocket::SetTtl(int ttl) {
  return SetOptionOf(*source_, local_.is_ipv4() ? kTtl : kHops, ttl);
}

absl::StatusOr<int> UdpSocket::ttl() const {
  return OptionOf(*source_, local_.is_ipv4() ? kTtl : kHops);
}

absl::Status UdpSocket::SetTypeOfService(int value) {
  return SetOptionOf(*source_, TypeOfServiceOption(local_.is_ipv6()), value);
}

absl::StatusOr<int> UdpSocket::type_of_service() const {
  return OptionOf(*source_, TypeOfServiceOption(local_.is_ipv6()));
}

absl::Status UdpSocket::SetReceiveBufferSize(int bytes) {
  return SetOptionOf(*source_, kReceiveBufferSize, bytes);
}

absl::StatusOr<int> UdpSocket::receive_buffer_size() const {
  return OptionOf(*source_, kReceiveBufferSize);
}

absl::Status UdpSocket::SetSendBufferSize(int bytes) {
  return SetOptionOf(*source_, kSendBufferSize, bytes);
}

absl::StatusOr<int> UdpSocket::send_buffer_size() const {
  return OptionOf(*source_, kSendBufferSize);
}

}  // namespace weft::net
