// Binding, connecting, and a wait that no event ends.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_datagram.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/message_with_descriptors.h"
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

// As an attempt says it, whose own limit is another.
absl::Status NoRoom(const UnixAddress& to, absl::Duration timeout) {
  return absl::DeadlineExceededError(
      absl::StrCat("send(\"", to.ToString(), "\"): nothing for ",
                   absl::FormatDuration(timeout)));
}

// Tries `send`, whose limit is no time at all, until it does not say so.
// Readiness is of no use here. unix_dgram_poll in the kernel knows of the queue
// of a connected peer only, and so calls us writable; and a try that fails
// gives its memory back, which is an edge: who waited for that would spin.
//
// Rejected: a second socket, connected to the receiver, which would be told (a
// descriptor and five calls for each wait; a receiver that is connected to
// somebody refuses it); and Send where that is whom we are connected to (the
// path may lead to another socket by now).
template <typename Send>
Task<absl::Status> UntilThereIsRoom(UnixAddress to, absl::Duration timeout,
                                    Send send) {
  const Instant begin = Now();
  absl::Duration pause = kFirstPause;
  for (;;) {
    absl::Status sent = co_await send();
    if (!absl::IsDeadlineExceeded(sent)) co_return sent;
    const absl::Duration left = timeout - (Now() - begin);
    if (left <= absl::ZeroDuration()) co_return NoRoom(to, timeout);
    co_await OrReturn(SleepFor(std::min(pause, left)));
    pause = std::min(2 * pause, kLongestPause);
  }
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
  if (address.is_unnamed()) {
    return absl::InvalidArgumentError(
        "bind(): an address without a name, where nobody finds it");
  }
  System& system = CurrentReactor().system();
  absl::StatusOr<Fd> socket = OpenDatagrams(system, address);
  if (!socket.ok()) return std::move(socket).status();
  if (options.pass_credentials) {
    absl::Status asked = net::SetPassCredentials(system, socket->get(), true);
    if (!asked.ok()) return asked;
  }
  absl::Status bound =
      BindUnix(system, socket->get(), address, options.replace_stale).status();
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
  std::pair pair(Adopt(std::move(first), UnixAddress(), BoundPath()),
                 Adopt(std::move(second), UnixAddress(), BoundPath()));
  pair.first.peer_.emplace();
  pair.second.peer_.emplace();
  return pair;
}

absl::StatusOr<UnixDatagram> UnixDatagram::FromFd(Fd socket) {
  System& system = CurrentReactor().system();
  absl::Status usable = PrepareForeign(system, socket.get(), SOCK_DGRAM);
  if (!usable.ok()) return usable;
  absl::StatusOr<UnixAddress> local = LocalUnixAddressOf(system, socket.get());
  if (!local.ok()) return std::move(local).status();
  UnixDatagram adopted =
      Adopt(std::move(socket), *std::move(local), BoundPath());
  absl::Status learned = adopted.LearnAddresses();
  if (!learned.ok()) return learned;
  return adopted;
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

absl::Status UnixDatagram::LearnAddresses() {
  return WithDescriptor(*source_, [this](System& system, int fd) {
    absl::StatusOr<UnixAddress> local = LocalUnixAddressOf(system, fd);
    if (!local.ok()) return std::move(local).status();
    local_ = *std::move(local);
    absl::StatusOr<UnixAddress> peer = PeerUnixAddressOf(system, fd);
    peer_.reset();
    if (peer.ok()) peer_ = *std::move(peer);
    if (reactor::ErrnoOf(peer.status()) == ENOTCONN) return absl::OkStatus();
    return peer.status();
  });
}

// A Connect that fails may have ended the one before, or not, as systems go;
// and one that succeeds may have given the socket a name (SetPassCredentials).
// So both addresses are asked for in any case.
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
  status.Update(LearnAddresses());
  return status;
}

// The file first: see UnixListener.
UnixDatagram& UnixDatagram::operator=(UnixDatagram&& other) noexcept {
  path_ = std::move(other.path_);
  source_ = std::move(other.source_);
  local_ = std::move(other.local_);
  peer_ = std::move(other.peer_);
  read_timeout_ = other.read_timeout_;
  write_timeout_ = other.write_timeout_;
  return *this;
}

TimedIo<SendAttempt<UnixAddress>> UnixDatagram::Sending(
    OutgoingTo<UnixAddress> datagram, absl::Duration timeout) noexcept {
  using Attempt = SendAttempt<UnixAddress>;
  return TimedIo<Attempt>(*source_, reactor::Direction::kWrite,
                          FirstTry::kAtOnce, timeout,
                          Attempt(*source_, far_end(), std::move(datagram)));
}

TimedIo<SendDatagramDescriptorsAttempt> UnixDatagram::Passing(
    OutgoingTo<UnixAddress> datagram, std::span<const int> descriptors,
    absl::Duration timeout) noexcept {
  using Attempt = SendDatagramDescriptorsAttempt;
  return TimedIo<Attempt>(
      *source_, reactor::Direction::kWrite, FirstTry::kAtOnce, timeout,
      Attempt(*source_, far_end(), std::move(datagram), descriptors));
}

Task<absl::Status> UnixDatagram::SendTo(std::span<const std::byte> bytes,
                                        UnixAddress to) {
  auto send = [this, bytes, to] {
    return Sending({.bytes = bytes, .to = to}, absl::ZeroDuration());
  };
  return UntilThereIsRoom(std::move(to), write_timeout_, std::move(send));
}

Task<absl::Status> UnixDatagram::SendDescriptorsTo(
    std::span<const std::byte> bytes, std::span<const int> descriptors,
    UnixAddress to) {
  auto send = [this, bytes, descriptors, to] {
    return Passing({.bytes = bytes, .to = to}, descriptors,
                   absl::ZeroDuration());
  };
  return UntilThereIsRoom(std::move(to), write_timeout_, std::move(send));
}

// --- Options ----------------------------------------------------------------

absl::Status UnixDatagram::SetPassCredentials(bool pass) {
  return WithDescriptor(*source_, [pass](System& system, int fd) {
    return net::SetPassCredentials(system, fd, pass);
  });
}

absl::Status UnixDatagram::SetReceiveBufferSize(int bytes) {
  return SetOptionOf(*source_, kReceiveBufferSize, bytes);
}

absl::StatusOr<int> UnixDatagram::receive_buffer_size() const {
  return OptionOf(*source_, kReceiveBufferSize);
}

absl::Status UnixDatagram::SetSendBufferSize(int bytes) {
  return SetOptionOf(*source_, kSendBufferSize, bytes);
}

absl::StatusOr<int> UnixDatagram::send_buffer_size() const {
  return OptionOf(*source_, kSendBufferSize);
}

}  // namespace weft::net
