// Connecting, adopting, and the options of TCP.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "weft/net/connect_by_name.h"
#include "weft/net/connect_within.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::Source;
using ::weft::reactor::SourceHandle;
using ::weft::reactor::System;

// A first connect, and then questions about how it went.
class ConnectAttempt {
 public:
  ConnectAttempt(Source& source, const Address& address) noexcept
      : source_(source), address_(address) {}

  std::optional<absl::Status> operator()() {
    if (begun_) return Outcome();
    begun_ = true;
    const Address::SystemForm form = address_.ToSystem();
    if (source_.system().connect(source_.fd(), form.get(), form.size()) == 0) {
      return Connected(PeerAddressOf(source_.system(), source_.fd()));
    }
    // Interrupted, it goes on by itself, as connect(2) says. A nonblocking
    // socket of the BSDs says so by EINTR as well.
    const int error = errno;
    if (error == EINPROGRESS || error == EINTR) return std::nullopt;
    return ErrnoToStatus(error, NameOf("connect", address_));
  }

 private:
  std::optional<absl::Status> Outcome() {
    absl::Status error = TakePendingError(source_.system(), source_.fd(),
                                          NameOf("connect", address_));
    if (!error.ok()) return error;
    // No error may also mean no answer: a wake says "look", no more.
    absl::StatusOr<Address> peer =
        PeerAddressOf(source_.system(), source_.fd());
    if (reactor::ErrnoOf(peer.status()) == ENOTCONN) return std::nullopt;
    return Connected(peer);
  }

  // Where nobody listens on a port that the system also gives to clients, a
  // socket may be given that very port and so be connected to itself.
  absl::Status Connected(const absl::StatusOr<Address>& peer) {
    const absl::StatusOr<Address> local =
        LocalAddressOf(source_.system(), source_.fd());
    if (!peer.ok()) return peer.status();
    if (!local.ok()) return local.status();
    if (*local != *peer) return absl::OkStatus();
    return ErrnoToStatus(ECONNREFUSED, NameOf("connect", address_));
  }

  Source& source_;
  const Address address_;
  bool begun_ = false;
};

// Binds to where the connection is to come from. The port is chosen when it is
// known where it goes to, so that all ports serve for each peer.
absl::Status ComeFrom(System& system, int fd, const Address& source) {
#ifdef IP_BIND_ADDRESS_NO_PORT  // Linux 4.2; drop when macOS has it.
  if (source.port() == 0) {
    SetOption(system, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "")
        .IgnoreError();  // Without it there are fewer ports, and all works.
  }
#endif
  return BindSocket(system, fd, source);
}

// What counts from the first packet on.
absl::Status Prepare(System& system, int fd, const Address& address,
                     const ConnectOptions& options) {
  const bool ipv6 = address.is_ipv6();
  absl::Status status;
  const auto set = [&](const NumberOption& option, std::optional<int> value) {
    SetIfGiven(system, fd, option, value, status);
  };
  set(kSendBufferSize, options.send_buffer_size);
  set(kReceiveBufferSize, options.receive_buffer_size);
  set(TypeOfServiceOption(ipv6), options.type_of_service);
  SetInterfaceIfGiven(system, fd, ipv6, options.interface, status);
  if (status.ok() && options.keep_alive.has_value()) {
    status = SetKeepAliveOf(system, fd, options.keep_alive);
  }
  if (status.ok() && options.source.has_value()) {
    status = ComeFrom(system, fd, *options.source);
  }
  return status;
}

Task<absl::StatusOr<TcpStream>> ConnectTo(Address address,
                                          ConnectOptions options) {
  System& system = CurrentReactor().system();
  Fd socket = co_await OrReturn(OpenTcpSocket(system, address));
  co_await OrReturn(Prepare(system, socket.get(), address, options));
  SourceHandle source =
      CurrentReactor().sources().Adopt(std::move(socket), system);
  co_await OrReturn(WhenReady(*source, reactor::Direction::kWrite,
                              FirstTry::kAtOnce,
                              ConnectAttempt(*source, address)));
  if (options.no_delay) co_await OrReturn(SetOptionOf(*source, kNoDelay, 1));
  co_return TcpStream::FromSource(std::move(source), address);
}

// Who has come by IPv4 to a listener of both families has an address in the
// form of IPv6 (RFC 4291, 2.5.5.2), but packets of IPv4.
bool TalksByIpv6(const Address& peer) {
  if (peer.is_ipv4()) return false;
  const Address::SystemForm form = peer.ToSystem();
  const auto* const ipv6 = reinterpret_cast<const sockaddr_in6*>(form.get());
  return !IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr);
}

}  // namespace

// Not coroutines themselves: what they borrow need not outlive the call.
Task<absl::StatusOr<TcpStream>> TcpStream::Connect(std::string_view address,
                                                   ConnectOptions options) {
  const absl::StatusOr<Address> numeric = Address::Parse(address);
  if (!numeric.ok()) return ConnectByName(address, options);
  return Connect(*numeric, options);
}

Task<absl::StatusOr<TcpStream>> TcpStream::Connect(const Address& address,
                                                   ConnectOptions options) {
  // Most have no limit, and need no name for the error.
  if (options.timeout == absl::InfiniteDuration()) {
    return ConnectTo(address, options);
  }
  return ConnectWithin(options.timeout, ConnectTo(address, options),
                       NameOf("connect", address));
}

TcpStream TcpStream::Adopt(Fd socket, const Address& peer) {
  reactor::Reactor& reactor = CurrentReactor();
  return FromSource(
      reactor.sources().Adopt(std::move(socket), reactor.system()), peer);
}

absl::StatusOr<TcpStream> TcpStream::FromFd(Fd socket) {
  System& system = CurrentReactor().system();
  absl::Status usable = PrepareForeign(system, socket.get(), SOCK_STREAM);
  if (!usable.ok()) return usable;
  const absl::StatusOr<Address> peer = PeerAddressOf(system, socket.get());
  if (!peer.ok()) return peer.status();
  return Adopt(std::move(socket), *peer);
}

void TcpStream::Abort() noexcept {
  // Lingering for no time at all is how a reset is asked for. Closed already,
  // nothing is left to abort.
  SetLinger(absl::ZeroDuration()).IgnoreError();
  Close();
}

// --- Options ----------------------------------------------------------------

absl::Status TcpStream::SetNoDelay(bool no_delay) {
  return SetOptionOf(source(), kNoDelay, no_delay ? 1 : 0);
}

absl::StatusOr<bool> TcpStream::no_delay() const {
  const absl::StatusOr<int> value = OptionOf(source(), kNoDelay);
  if (!value.ok()) return value.status();
  return *value != 0;
}

absl::Status TcpStream::SetKeepAlive(std::optional<KeepAlive> keep_alive) {
  return WithDescriptor(source(), [&](System& system, int fd) {
    return SetKeepAliveOf(system, fd, keep_alive);
  });
}

absl::StatusOr<std::optional<KeepAlive>> TcpStream::keep_alive() const {
  return AskDescriptor(source(), KeepAliveOf);
}

absl::Status TcpStream::SetLinger(std::optional<absl::Duration> linger) {
  return WithDescriptor(source(), [&](System& system, int fd) {
    return SetLingerOf(system, fd, linger);
  });
}

absl::StatusOr<std::optional<absl::Duration>> TcpStream::linger() const {
  return AskDescriptor(source(), LingerOf);
}

absl::Status TcpStream::SetTypeOfService(int value) {
  return SetOptionOf(source(), TypeOfServiceOption(TalksByIpv6(peer_address())),
                     value);
}

absl::StatusOr<int> TcpStream::type_of_service() const {
  return OptionOf(source(), TypeOfServiceOption(TalksByIpv6(peer_address())));
}

absl::StatusOr<Address> TcpStream::local_address() const {
  return AskDescriptor(source(), LocalAddressOf);
}

absl::StatusOr<TcpStream> TcpStream::Reunite(ReadHalf read, WriteHalf write) {
  absl::StatusOr<StreamSocket> whole =
      ReuniteHalves(std::move(read), std::move(write));
  if (!whole.ok()) return std::move(whole).status();
  if (!whole->peer().has_address()) {
    return absl::InvalidArgumentError(
        "these are the halves of another kind of stream: let it reunite them");
  }
  return TcpStream(*std::move(whole));
}

}  // namespace weft::net
