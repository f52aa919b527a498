// Binding, adopting, and streams out of what was accepted.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/peer.h"
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
using ::weft::reactor::System;

// The client's address, where it has bound one: of no use but to be shown.
UnixStream Connected(AcceptedSocket accepted) {
  UnixAddress::SystemForm form;
  *form.size_to_fill() = std::min(form.size(), accepted.peer_size);
  std::memcpy(form.get(), &accepted.peer, form.size());
  const absl::StatusOr<UnixAddress> peer = UnixAddress::FromSystem(form);
  return UnixStream::Adopt(std::move(accepted.socket),
                           peer.value_or(UnixAddress()));
}

ListeningSocket Listening(Fd socket, const UnixAddress& local) {
  reactor::Reactor& reactor = CurrentReactor();
  return ListeningSocket(
      reactor.sources().Adopt(std::move(socket), reactor.system()),
      local.ToString());
}

}  // namespace

absl::StatusOr<UnixListener> UnixListener::Bind(
    std::string_view address, const UnixListenOptions& options) {
  absl::StatusOr<UnixAddress> parsed = UnixAddress::Parse(address);
  if (!parsed.ok()) return std::move(parsed).status();
  return Bind(*parsed, options);
}

absl::StatusOr<UnixListener> UnixListener::Bind(
    const UnixAddress& address, const UnixListenOptions& options) {
  if (address.is_unnamed()) {
    return absl::InvalidArgumentError(
        "bind(): an address without a name, where nobody finds it");
  }
  System& system = CurrentReactor().system();
  const Peer name = Peer::Socket(address.ToString());
  Fd socket(system.socket(AF_UNIX, SOCK_STREAM, 0), system);
  int error = errno;
  if (!socket) return ErrnoToStatus(error, NameOf("socket", name));
  const absl::StatusOr<PathClaim> until_it_listens =
      BindUnix(system, socket.get(), address, options.replace_stale);
  if (!until_it_listens.ok()) return until_it_listens.status();
  BoundPath path(system, address);
  if (system.listen(socket.get(), options.backlog) != 0) {
    error = errno;
    return ErrnoToStatus(error, NameOf("listen", name));
  }
  return UnixListener(Listening(std::move(socket), address), address,
                      std::move(path));
}

absl::StatusOr<UnixListener> UnixListener::FromFd(Fd socket) {
  System& system = CurrentReactor().system();
  absl::Status usable = PrepareForeignListener(system, socket.get());
  if (!usable.ok()) return usable;
  absl::StatusOr<UnixAddress> local = LocalUnixAddressOf(system, socket.get());
  if (!local.ok()) return std::move(local).status();
  return UnixListener(Listening(std::move(socket), *local), *local,
                      BoundPath());
}

Task<absl::StatusOr<UnixStream>> UnixListener::Accept() {
  AcceptedSocket accepted = co_await OrReturn(socket_.Accept());
  co_return Connected(std::move(accepted));
}

Task<absl::StatusOr<std::vector<UnixStream>>> UnixListener::AcceptBatch(
    std::size_t most) {
  std::vector<AcceptedSocket> batch =
      co_await OrReturn(socket_.AcceptBatch(most));
  std::vector<UnixStream> streams;
  streams.reserve(batch.size());
  for (AcceptedSocket& accepted : batch) {
    streams.push_back(Connected(std::move(accepted)));
  }
  co_return streams;
}

}  // namespace weft::net
