// Binding, connecting and tuning; what waits is in datagram_attempts.
//
// SPDX-License-Identifier: MIT

#include "weft/net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "weft/net/datagram_segments.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"

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
  return SetOptionOf(*source_,
                     local_.is_ipv4() ? kTypeOfService : kTrafficClass, value);
}

absl::StatusOr<int> UdpSocket::type_of_service() const {
  return OptionOf(*source_, local_.is_ipv4() ? kTypeOfService : kTrafficClass);
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
