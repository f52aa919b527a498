// The calls of socket.h, each through the System and with its error in words.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::System;

// getsockname and getpeername differ in the name only.
using NameCall = int (System::*)(int, sockaddr*, socklen_t*);

template <typename A>
absl::StatusOr<A> AskForAddress(System& system, int fd, NameCall call,
                                std::string_view what) {
  typename A::SystemForm form;
  if ((system.*call)(fd, form.get(), form.size_to_fill()) != 0) {
    return ErrnoToStatus(errno, what);
  }
  return A::FromSystem(form);
}

absl::StatusOr<Fd> OpenSocket(System& system, const Address& address, int type,
                              int protocol) {
  const int domain = address.is_ipv4() ? AF_INET : AF_INET6;
  Fd fd(system.socket(domain, type, protocol), system);
  const int error = errno;
  if (!fd) return ErrnoToStatus(error, NameOf("socket", address));
  if (address.is_ipv6()) {
    absl::Status ipv6_only = SetOption(system, fd.get(), kIpv6Only, 1);
    if (!ipv6_only.ok()) return ipv6_only;
  }
  return fd;
}

}  // namespace

std::string NameOf(std::string_view call, const Address& address) {
  return NameOf(call, Peer(address));
}

std::string NameOf(std::string_view call, const Peer& peer) {
  std::string name(call);
  absl::StrAppend(&name, "(\"", peer.ToString(), "\")");
  return name;
}

absl::StatusOr<Fd> OpenTcpSocket(System& system, const Address& address) {
  return OpenSocket(system, address, SOCK_STREAM, IPPROTO_TCP);
}

absl::StatusOr<Fd> OpenUdpSocket(System& system, const Address& address) {
  return OpenSocket(system, address, SOCK_DGRAM, IPPROTO_UDP);
}

absl::Status PrepareForeign(System& system, int fd, int type) {
  int found = 0;
  socklen_t size = sizeof(found);
  if (system.getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) != 0) {
    const int error = errno;
    return absl::InvalidArgumentError(
        ErrnoToStatus(error, absl::StrCat("descriptor ", fd)).message());
  }
  if (found != type) {
    return absl::InvalidArgumentError(
        absl::StrCat("descriptor ", fd, ": a socket of another type (SO_TYPE ",
                     found, " instead of ", type, ")"));
  }
  const int flags = system.fcntl(fd, F_GETFL, 0);
  if (flags == -1 || system.fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
      system.fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fcntl(", fd, ")"));
  }
  return absl::OkStatus();
}

absl::Status PrepareForeignListener(System& system, int fd) {
  absl::Status usable = PrepareForeign(system, fd, SOCK_STREAM);
  if (!usable.ok()) return usable;
  const absl::StatusOr<int> listens =
      GetOption(system, fd, kAcceptsConnections);
  if (!listens.ok()) return listens.status();
  if (*listens != 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("descriptor ", fd, ": it does not listen"));
}

absl::Status BindSocket(System& system, int fd, const Address& address) {
  const Address::SystemForm form = address.ToSystem();
  if (system.bind(fd, form.get(), form.size()) == 0) return absl::OkStatus();
  const int error = errno;
  return ErrnoToStatus(error, NameOf("bind", address));
}

absl::Status SetOption(System& system, int fd, int level, int name, int value,
                       std::string_view what) {
  if (system.setsockopt(fd, level, name, &value, sizeof(value)) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  std::string call("setsockopt(");
  call.append(what).append(")");
  return ErrnoToStatus(error, call);
}

absl::StatusOr<Address> LocalAddressOf(System& system, int fd) {
  return AskForAddress<Address>(system, fd, &System::getsockname,
                                "getsockname");
}

absl::StatusOr<Address> PeerAddressOf(System& system, int fd) {
  return AskForAddress<Address>(system, fd, &System::getpeername,
                                "getpeername");
}

absl::StatusOr<UnixAddress> LocalUnixAddressOf(System& system, int fd) {
  return AskForAddress<UnixAddress>(system, fd, &System::getsockname,
                                    "getsockname");
}

absl::StatusOr<UnixAddress> PeerUnixAddressOf(System& system, int fd) {
  return AskForAddress<UnixAddress>(system, fd, &System::getpeername,
                                    "getpeername");
}

absl::Status TakePendingError(System& system, int fd, std::string_view what) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (system.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
    return ErrnoToStatus(errno, "getsockopt(SO_ERROR)");
  }
  return error == 0 ? absl::OkStatus() : ErrnoToStatus(error, what);
}

}  // namespace weft::net
