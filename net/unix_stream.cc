// Connecting, adopting, and what only a socket of this machine can do.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "weft/net/peer.h"
#include "weft/net/socket.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/yield.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::PeerCredentials;
using ::weft::reactor::System;

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(50);

// One try. A connection within a machine is made at once, or not.
absl::StatusOr<Fd> TryToConnect(System& system, const UnixAddress& address) {
  Fd socket(system.socket(AF_UNIX, SOCK_STREAM, 0), system);
  int error = errno;
  const Peer peer = Peer::Socket(address.ToString());
  if (!socket) return ErrnoToStatus(error, NameOf("socket", peer));
  const UnixAddress::SystemForm form = address.ToSystem();
  const int connected = reactor::RetryInterrupted(
      [&] { return system.connect(socket.get(), form.get(), form.size()); });
  error = errno;
  if (connected == 0) return socket;
  return ErrnoToStatus(error, NameOf("connect", peer));
}

// connect(2) on Linux: a queue that is full is EAGAIN, and nothing tells when
// it is not any more: unix_poll calls the unconnected socket writable and hung
// up. A new socket each time, since POSIX does not say what state one is in
// whose connect has failed.
//
// Rejected: a connect that blocks, on the pool. It is told, but a cancellation
// does not reach it, and a listener that hangs would take all of the threads.
Task<absl::StatusOr<UnixStream>> ConnectTo(UnixAddress address) {
  System& system = CurrentReactor().system();
  absl::Duration pause = kFirstPause;
  // As every operation does; it may end without awaiting one.
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  co_await OrReturn(CheckCancelled());
  for (;;) {
    absl::StatusOr<Fd> socket = TryToConnect(system, address);
    if (socket.ok()) {
      co_return UnixStream::Adopt(*std::move(socket), address);
    }
    if (reactor::ErrnoOf(socket.status()) != EAGAIN) {
      co_return std::move(socket).status();
    }
    co_await OrReturn(SleepFor(pause));
    pause = std::min(2 * pause, kLongestPause);
  }
}

Task<absl::StatusOr<UnixStream>> ConnectWithin(
    absl::StatusOr<UnixAddress> address, UnixConnectOptions options) {
  if (!address.ok()) co_return std::move(address).status();
  if (options.timeout == absl::InfiniteDuration()) {
    co_return co_await ConnectTo(*address);
  }
  absl::StatusOr<UnixStream> stream =
      co_await WithTimeout(options.timeout, ConnectTo(*address));
  if (!absl::IsDeadlineExceeded(stream.status())) co_return stream;
  co_return absl::DeadlineExceededError(
      absl::StrCat(NameOf("connect", Peer::Socket(address->ToString())),
                   ": no room for ", absl::FormatDuration(options.timeout)));
}

absl::StatusOr<PeerCredentials> CredentialsOf(System& system, int fd) {
  PeerCredentials credentials;
  if (system.peer_credentials(fd, &credentials) == 0) return credentials;
  return ErrnoToStatus(errno, "peer credentials");
}

}  // namespace

// Not coroutines themselves: what they borrow need not outlive the call.
Task<absl::StatusOr<UnixStream>> UnixStream::Connect(
    std::string_view address, UnixConnectOptions options) {
  return ConnectWithin(UnixAddress::Parse(address), options);
}

Task<absl::StatusOr<UnixStream>> UnixStream::Connect(
    const UnixAddress& address, UnixConnectOptions options) {
  return ConnectWithin(address, options);
}

absl::StatusOr<std::pair<UnixStream, UnixStream>> UnixStream::Pair() {
  System& system = CurrentReactor().system();
  int ends[2] = {-1, -1};
  if (system.socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return ErrnoToStatus(errno, "socketpair");
  }
  Fd first(ends[0], system);
  Fd second(ends[1], system);
  return std::pair(Adopt(std::move(first), UnixAddress()),
                   Adopt(std::move(second), UnixAddress()));
}

UnixStream UnixStream::Adopt(Fd socket, const UnixAddress& peer) {
  reactor::Reactor& reactor = CurrentReactor();
  return UnixStream(
      StreamSocket(reactor.sources().Adopt(std::move(socket), reactor.system()),
                   Peer::Socket(peer.ToString())));
}

absl::StatusOr<UnixStream> UnixStream::FromFd(Fd socket) {
  System& system = CurrentReactor().system();
  absl::Status usable = PrepareForeign(system, socket.get(), SOCK_STREAM);
  if (!usable.ok()) return usable;
  const absl::StatusOr<UnixAddress> peer =
      PeerUnixAddressOf(system, socket.get());
  if (!peer.ok()) return peer.status();
  return Adopt(std::move(socket), *peer);
}

absl::StatusOr<UnixAddress> UnixStream::local_address() const {
  return AskDescriptor(source(), LocalUnixAddressOf);
}

absl::StatusOr<UnixAddress> UnixStream::peer_address() const {
  return AskDescriptor(source(), PeerUnixAddressOf);
}

absl::StatusOr<PeerCredentials> UnixStream::peer_credentials() const {
  return AskDescriptor(source(), CredentialsOf);
}

TimedIo<SendDescriptorsAttempt> UnixStream::SendDescriptors(
    std::span<const std::byte> bytes,
    std::span<const int> descriptors) noexcept {
  return write_end().WriteWith<SendDescriptorsAttempt>(source(), bytes,
                                                       descriptors);
}

TimedIo<ReceiveDescriptorsAttempt> UnixStream::ReceiveDescriptors(
    std::span<std::byte> into) noexcept {
  return read_end().ReadWith<ReceiveDescriptorsAttempt>(source(), into);
}

absl::StatusOr<UnixStream> UnixStream::Reunite(ReadHalf read, WriteHalf write) {
  absl::StatusOr<StreamSocket> whole =
      ReuniteHalves(std::move(read), std::move(write));
  if (!whole.ok()) return std::move(whole).status();
  if (whole->peer().has_address()) {
    return absl::InvalidArgumentError(
        "these are the halves of another kind of stream: let it reunite them");
  }
  return UnixStream(*std::move(whole));
}

}  // namespace weft::net
