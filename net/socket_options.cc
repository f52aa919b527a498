// The calls of socket_options.h.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/string_view.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Source;
using ::weft::reactor::System;

// macOS has another name for the first, counts ticks for the second unless it
// is asked not to, and binds to an interface by family; drop when the systems
// agree.
#ifdef TCP_KEEPIDLE
constexpr int kIdleName = TCP_KEEPIDLE;
constexpr int kLingerName = SO_LINGER;
constexpr NumberOption kInterface = {SOL_SOCKET, SO_BINDTOIFINDEX,
                                     "SO_BINDTOIFINDEX"};
constexpr NumberOption kInterfaceIpv6 = kInterface;
#else
constexpr int kIdleName = TCP_KEEPALIVE;
constexpr int kLingerName = SO_LINGER_SEC;
constexpr NumberOption kInterface = {IPPROTO_IP, IP_BOUND_IF, "IP_BOUND_IF"};
constexpr NumberOption kInterfaceIpv6 = {IPPROTO_IPV6, IPV6_BOUND_IF,
                                         "IPV6_BOUND_IF"};
#endif

constexpr NumberOption kKeepAlive = {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
constexpr NumberOption kIdle = {IPPROTO_TCP, kIdleName, "TCP_KEEPIDLE"};
constexpr NumberOption kInterval = {IPPROTO_TCP, TCP_KEEPINTVL,
                                    "TCP_KEEPINTVL"};
constexpr NumberOption kProbes = {IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"};

// Up, lest a short time becomes none.
absl::StatusOr<int> WholeSeconds(absl::Duration time, std::string_view what) {
  const std::int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(time, absl::Seconds(1)));
  if (time < absl::ZeroDuration() || seconds > 32767) {
    return absl::InvalidArgumentError(
        absl::StrCat(reactor::ToAbseil(what), ": ", absl::FormatDuration(time),
                     " is not between nothing and nine hours"));
  }
  return static_cast<int>(seconds);
}

}  // namespace

const NumberOption kNoDelay = {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
const NumberOption kReuseAddress = {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"};
const NumberOption kReusePort = {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"};
const NumberOption kIpv6Only = {IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"};
const NumberOption kSendBufferSize = {SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"};
const NumberOption kReceiveBufferSize = {SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"};
const NumberOption kAcceptsConnections = {SOL_SOCKET, SO_ACCEPTCONN,
                                          "SO_ACCEPTCONN"};
const NumberOption kTypeOfService = {IPPROTO_IP, IP_TOS, "IP_TOS"};
const NumberOption kTrafficClass = {IPPROTO_IPV6, IPV6_TCLASS, "IPV6_TCLASS"};

absl::Status SetOption(System& system, int fd, const NumberOption& option,
                       int value) {
  return SetOption(system, fd, option.level, option.name, value, option.text);
}

absl::StatusOr<int> GetOption(System& system, int fd,
                              const NumberOption& option) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (system.getsockopt(fd, option.level, option.name, &value, &size) == 0) {
    return value;
  }
  const int error = errno;
  return ErrnoToStatus(
      error, absl::StrCat("getsockopt(", reactor::ToAbseil(option.text), ")"));
}

void SetIfGiven(System& system, int fd, const NumberOption& option,
                std::optional<int> value, absl::Status& status) {
  if (!status.ok() || !value.has_value()) return;
  status = SetOption(system, fd, option, *value);
}

const NumberOption& TypeOfServiceOption(bool ipv6) noexcept {
  return ipv6 ? kTrafficClass : kTypeOfService;
}

const NumberOption& InterfaceOption(bool ipv6) noexcept {
  return ipv6 ? kInterfaceIpv6 : kInterface;
}

void SetInterfaceIfGiven(System& system, int fd, bool ipv6,
                         std::optional<std::uint32_t> interface,
                         absl::Status& status) {
  if (!status.ok() || !interface.has_value()) return;
  if (*interface == 0) {
    status = absl::InvalidArgumentError(
        "interface 0: none has that number; give none at all for whichever the "
        "routes say");
    return;
  }
  status = SetOption(system, fd, InterfaceOption(ipv6),
                     static_cast<int>(*interface));
}

absl::Status SetKeepAliveOf(System& system, int fd,
                            const std::optional<KeepAlive>& keep_alive) {
  if (!keep_alive.has_value()) return SetOption(system, fd, kKeepAlive, 0);
  const absl::StatusOr<int> idle = WholeSeconds(keep_alive->idle, kIdle.text);
  const absl::StatusOr<int> interval =
      WholeSeconds(keep_alive->interval, kInterval.text);
  absl::Status status = idle.status();
  status.Update(interval.status());
  // The times first: once it is on, the old ones count.
  if (status.ok()) status = SetOption(system, fd, kIdle, *idle);
  if (status.ok()) status = SetOption(system, fd, kInterval, *interval);
  if (status.ok()) status = SetOption(system, fd, kProbes, keep_alive->probes);
  if (status.ok()) status = SetOption(system, fd, kKeepAlive, 1);
  return status;
}

absl::StatusOr<std::optional<KeepAlive>> KeepAliveOf(System& system, int fd) {
  absl::StatusOr<int> on = GetOption(system, fd, kKeepAlive);
  if (!on.ok()) return std::move(on).status();
  if (*on == 0) return std::nullopt;
  const absl::StatusOr<int> idle = GetOption(system, fd, kIdle);
  const absl::StatusOr<int> interval = GetOption(system, fd, kInterval);
  const absl::StatusOr<int> probes = GetOption(system, fd, kProbes);
  absl::Status status = idle.status();
  status.Update(interval.status());
  status.Update(probes.status());
  if (!status.ok()) return status;
  return KeepAlive{.idle = absl::Seconds(*idle),
                   .interval = absl::Seconds(*interval),
                   .probes = *probes};
}

absl::Status SetLingerOf(System& system, int fd,
                         std::optional<absl::Duration> time) {
  linger value{};
  if (time.has_value()) {
    const absl::StatusOr<int> seconds = WholeSeconds(*time, "SO_LINGER");
    if (!seconds.ok()) return seconds.status();
    value.l_onoff = 1;
    value.l_linger = static_cast<decltype(value.l_linger)>(*seconds);
  }
  if (system.setsockopt(fd, SOL_SOCKET, kLingerName, &value, sizeof(value)) ==
      0) {
    return absl::OkStatus();
  }
  return ErrnoToStatus(errno, "setsockopt(SO_LINGER)");
}

absl::StatusOr<std::optional<absl::Duration>> LingerOf(System& system, int fd) {
  linger value{};
  socklen_t size = sizeof(value);
  if (system.getsockopt(fd, SOL_SOCKET, kLingerName, &value, &size) != 0) {
    return ErrnoToStatus(errno, "getsockopt(SO_LINGER)");
  }
  if (value.l_onoff == 0) return std::nullopt;
  return absl::Seconds(value.l_linger);
}

absl::Status WithDescriptor(
    Source& source, absl::FunctionRef<absl::Status(System&, int)> call) {
  const reactor::SourcePin pin(source);
  if (!pin) return reactor::ClosedByOwnerError();
  return call(source.system(), source.fd());
}

absl::Status SetOptionOf(Source& source, const NumberOption& option,
                         int value) {
  return WithDescriptor(source, [&](System& system, int fd) {
    return SetOption(system, fd, option, value);
  });
}

absl::StatusOr<int> OptionOf(Source& source, const NumberOption& option) {
  absl::StatusOr<int> value = 0;
  absl::Status status = WithDescriptor(source, [&](System& system, int fd) {
    value = GetOption(system, fd, option);
    return value.status();
  });
  if (!status.ok()) return status;
  return value;
}

}  // namespace weft::net
