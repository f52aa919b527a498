// Connecting, splitting and closing.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::Source;
using ::weft::reactor::SourceHandle;
using ::weft::reactor::System;

// Runs `call` with the descriptor and its System while the number is ours.
absl::Status WithDescriptor(
    Source& source, absl::FunctionRef<absl::Status(System&, int)> call) {
  if (!source.Pin()) return reactor::ClosedByOwnerError();
  absl::Status status = call(source.system(), source.fd());
  source.Unpin();
  return status;
}

absl::Status ShutDownWriting(Source& source) {
  return WithDescriptor(source, [](System& system, int fd) {
    // A peer that is gone has no need to be told.
    if (system.shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN) {
      return absl::OkStatus();
    }
    return ErrnoToStatus(errno, "shutdown");
  });
}

absl::Status SetNoDelayOf(Source& source, bool no_delay) {
  return WithDescriptor(source, [no_delay](System& system, int fd) {
    return SetOption(system, fd, IPPROTO_TCP, TCP_NODELAY, no_delay ? 1 : 0,
                     "TCP_NODELAY");
  });
}

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

Task<absl::StatusOr<TcpStream>> ConnectTo(Address address, bool no_delay) {
  System& system = CurrentReactor().system();
  Fd socket = co_await OrReturn(OpenTcpSocket(system, address));
  SourceHandle source =
      CurrentReactor().sources().Adopt(std::move(socket), system);
  co_await OrReturn(WhenReady(*source, reactor::Direction::kWrite,
                              FirstTry::kAtOnce,
                              ConnectAttempt(*source, address)));
  if (no_delay) co_await OrReturn(SetNoDelayOf(*source, true));
  co_return TcpStream::FromSource(std::move(source), address);
}

Task<absl::StatusOr<TcpStream>> ConnectWithin(absl::StatusOr<Address> address,
                                              ConnectOptions options) {
  if (!address.ok()) co_return std::move(address).status();
  if (options.timeout == absl::InfiniteDuration()) {
    co_return co_await ConnectTo(*address, options.no_delay);
  }
  absl::StatusOr<TcpStream> stream = co_await WithTimeout(
      options.timeout, ConnectTo(*address, options.no_delay));
  if (!absl::IsDeadlineExceeded(stream.status())) co_return stream;
  co_return absl::DeadlineExceededError(
      absl::StrCat(NameOf("connect", *address), ": no answer for ",
                   absl::FormatDuration(options.timeout)));
}

}  // namespace

// Not coroutines themselves: what they borrow need not outlive the call.
Task<absl::StatusOr<TcpStream>> TcpStream::Connect(std::string_view address,
                                                   ConnectOptions options) {
  return ConnectWithin(Address::Parse(address), options);
}

Task<absl::StatusOr<TcpStream>> TcpStream::Connect(const Address& address,
                                                   ConnectOptions options) {
  return ConnectWithin(address, options);
}

TcpStream TcpStream::FromSource(SourceHandle source,
                                const Address& peer) noexcept {
  return TcpStream(std::move(source), ReadEnd(Peer(peer)),
                   WriteEnd(Peer(peer)));
}

TcpStream TcpStream::Adopt(Fd socket, const Address& peer) {
  reactor::Reactor& reactor = CurrentReactor();
  return FromSource(
      reactor.sources().Adopt(std::move(socket), reactor.system()), peer);
}

absl::Status TcpStream::ShutdownWrite() { return ShutDownWriting(*source_); }

void TcpStream::Abort() noexcept {
  // Lingering for no time at all is how a reset is asked for.
  WithDescriptor(*source_, [](System& system, int fd) {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    system.setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return absl::OkStatus();
  }).IgnoreError();  // Closed already: nothing is left to abort.
  Close();
}

absl::Status TcpStream::SetNoDelay(bool no_delay) {
  return SetNoDelayOf(*source_, no_delay);
}

absl::StatusOr<Address> TcpStream::local_address() const {
  absl::StatusOr<Address> address;
  absl::Status status =
      WithDescriptor(*source_, [&address](System& system, int fd) {
        address = LocalAddressOf(system, fd);
        return address.status();
      });
  if (!status.ok()) return status;
  return address;
}

// --- Halves -----------------------------------------------------------------

std::pair<TcpStream::ReadHalf, TcpStream::WriteHalf> TcpStream::Split() && {
  auto shared = std::make_shared<SourceHandle>(std::move(source_));
  return {ReadHalf(shared, std::move(read_)),
          WriteHalf(shared, std::move(write_))};
}

absl::StatusOr<TcpStream> TcpStream::Reunite(ReadHalf read, WriteHalf write) {
  if (read.source_ != write.source_) {
    return absl::InvalidArgumentError(
        "these are halves of two streams: reunite what came from one Split");
  }
  const std::shared_ptr<SourceHandle> shared = std::move(read.source_);
  write.source_.reset();  // So that it does not shut its direction down.
  return TcpStream(std::move(*shared), std::move(read.end_),
                   std::move(write.end_));
}

TcpStream::WriteHalf::~WriteHalf() {
  if (source_ == nullptr) return;  // Moved from, or reunited.
  // With the reader gone, the close does it; and closed, it is done.
  if (source_.use_count() > 1) ShutDownWriting(**source_).IgnoreError();
}

absl::Status TcpStream::WriteHalf::ShutdownWrite() {
  return ShutDownWriting(**source_);
}

}  // namespace weft::net
