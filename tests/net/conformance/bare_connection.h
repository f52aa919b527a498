// Sockets with nothing between the test and the system but a Source: what is
// announced of them, on whichever network the simulation runs on.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_BARE_CONNECTION_H_
#define WEFT_TESTS_NET_CONFORMANCE_BARE_CONNECTION_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/task.h"

namespace weft::net {

using reactor::Direction;

// One socket. Its calls take the readiness back first, as every operation does,
// and leave what went wrong in `error`.
class BareSocket {
 public:
  explicit BareSocket(reactor::Fd fd)
      : source_(CurrentReactor().sources().Adopt(std::move(fd), system())) {}

  reactor::Source& source() const { return *source_; }

  // Nothing where it failed; empty at the end of the stream.
  std::optional<std::string> Receive(std::size_t most = 100) {
    std::string text(most, '\0');
    source().TakeReady(Direction::kRead);
    const ssize_t got = system().recv(source().fd(), text.data(), most, 0);
    error = got < 0 ? errno : 0;
    if (got < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  // How many bytes were taken; -1 where it failed.
  ssize_t Send(std::string_view text) {
    source().TakeReady(Direction::kWrite);
    const ssize_t sent =
        system().send(source().fd(), text.data(), text.size(), 0);
    error = sent < 0 ? errno : 0;
    return sent;
  }
  std::optional<BareSocket> Accept() {
    source().TakeReady(Direction::kRead);
    const int accepted = system().accept(source().fd(), nullptr, nullptr);
    error = accepted < 0 ? errno : 0;
    if (accepted < 0) return std::nullopt;
    return BareSocket(reactor::Fd(accepted, system()));
  }
  void Connect(const Address& to) {
    const Address::SystemForm form = to.ToSystem();
    source().TakeReady(Direction::kWrite);
    const int result = system().connect(source().fd(), form.get(), form.size());
    error = result < 0 ? errno : 0;
  }
  void Shutdown(int how) {
    error = system().shutdown(source().fd(), how) < 0 ? errno : 0;
  }
  // Its peer gets a reset and no end.
  void Reset() {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    error = system().setsockopt(source().fd(), SOL_SOCKET, SO_LINGER, &now,
                                sizeof now);
    source().Close();
  }
  absl::Status PendingError() const {
    return TakePendingError(system(), source().fd(), "test");
  }
  Address address() const { return *LocalAddressOf(system(), source().fd()); }

  int error = 0;

 private:
  static reactor::System& system() { return CurrentReactor().system(); }

  reactor::SourceHandle source_;
};

// Bound to a port of the system's choice.
inline absl::StatusOr<BareSocket> BindBare(int type) {
  reactor::System& system = CurrentReactor().system();
  const Address address = Address::Loopback(0);
  absl::StatusOr<reactor::Fd> fd = type == SOCK_STREAM
                                       ? OpenTcpSocket(system, address)
                                       : OpenUdpSocket(system, address);
  if (!fd.ok()) return fd.status();
  const absl::Status bound = BindSocket(system, fd->get(), address);
  if (!bound.ok()) return bound;
  return BareSocket(*std::move(fd));
}

inline absl::StatusOr<BareSocket> ListenBare() {
  absl::StatusOr<BareSocket> socket = BindBare(SOCK_STREAM);
  if (!socket.ok()) return socket;
  const int fd = socket->source().fd();
  if (CurrentReactor().system().listen(fd, 16) == 0) return socket;
  return reactor::ErrnoToStatus(errno, "listen");
}

inline absl::StatusOr<BareSocket> OpenBare() {
  absl::StatusOr<reactor::Fd> fd =
      OpenTcpSocket(CurrentReactor().system(), Address::Loopback(0));
  if (!fd.ok()) return fd.status();
  return BareSocket(*std::move(fd));
}

struct BarePair {
  BareSocket ours;
  BareSocket theirs;
};

inline Task<absl::StatusOr<BareSocket>> AcceptReady(BareSocket& listener) {
  for (;;) {
    std::optional<BareSocket> accepted = listener.Accept();
    if (accepted.has_value()) co_return *std::move(accepted);
    if (listener.error != EAGAIN) {
      co_return reactor::ErrnoToStatus(listener.error, "accept");
    }
    co_await OrReturn(WaitReady(listener.source(), Direction::kRead));
  }
}

inline Task<absl::StatusOr<BarePair>> ConnectBare() {
  BareSocket listener = co_await OrReturn(ListenBare());
  BareSocket client = co_await OrReturn(OpenBare());
  client.Connect(listener.address());
  BareSocket server = co_await OrReturn(AcceptReady(listener));
  co_await OrReturn(WaitReady(client.source(), Direction::kWrite));
  co_await OrReturn(client.PendingError());
  co_return BarePair{std::move(client), std::move(server)};
}

// As an operation does: tries, waits, and tries again.
inline Task<absl::StatusOr<std::string>> ReceiveReady(BareSocket& socket) {
  for (;;) {
    std::optional<std::string> got = socket.Receive();
    if (got.has_value()) co_return *std::move(got);
    if (socket.error != EAGAIN) {
      co_return reactor::ErrnoToStatus(socket.error, "recv");
    }
    co_await OrReturn(WaitReady(socket.source(), Direction::kRead));
  }
}

inline Task<absl::Status> UntilReady(BareSocket& socket, Direction direction) {
  co_return co_await WaitReady(socket.source(), direction);
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_BARE_CONNECTION_H_
