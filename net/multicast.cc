// Joining and leaving, and how to send.
//
// SPDX-License-Identifier: MIT

#include "weft/net/multicast.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/string_view.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::System;
using ::weft::reactor::ToAbseil;

constexpr NumberOption kLoopback = {IPPROTO_IP, IP_MULTICAST_LOOP,
                                    "IP_MULTICAST_LOOP"};
constexpr NumberOption kIpv6Loopback = {IPPROTO_IPV6, IPV6_MULTICAST_LOOP,
                                        "IPV6_MULTICAST_LOOP"};
constexpr NumberOption kTtl = {IPPROTO_IP, IP_MULTICAST_TTL,
                               "IP_MULTICAST_TTL"};
constexpr NumberOption kHops = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS,
                                "IPV6_MULTICAST_HOPS"};
constexpr NumberOption kIpv6Interface = {IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                         "IPV6_MULTICAST_IF"};

// A template, so that the member may be missing: where a sockaddr begins with
// its length, that is looked at inside of an option's value, unlike in a call
// that has the length as an argument of its own.
template <typename Storage>
void NoteLength(Storage& storage, socklen_t length) {
  if constexpr (requires { storage.ss_len; }) {
    storage.ss_len = static_cast<decltype(storage.ss_len)>(length);
  }
}

group_req Membership(const Address& group, std::uint32_t interface) {
  group_req membership{};
  membership.gr_interface = interface;
  const Address::SystemForm form = group.ToSystem();
  std::memcpy(&membership.gr_group, form.get(), form.size());
  NoteLength(membership.gr_group, form.size());
  return membership;
}

}  // namespace

absl::StatusOr<std::uint32_t> InterfaceNumber(std::string_view name) {
  const std::string terminated(name);
  const std::uint32_t number =
      CurrentReactor().system().if_nametoindex(terminated.c_str());
  const int error = errno;
  if (number != 0) return number;
  return ErrnoToStatus(error,
                       absl::StrCat("if_nametoindex(\"", terminated, "\")"));
}

absl::Status Multicast::Join(const Address& group,
                             std::uint32_t interface) const {
  return Change(group, interface, MCAST_JOIN_GROUP, "MCAST_JOIN_GROUP");
}

absl::Status Multicast::Leave(const Address& group,
                              std::uint32_t interface) const {
  return Change(group, interface, MCAST_LEAVE_GROUP, "MCAST_LEAVE_GROUP");
}

absl::Status Multicast::Change(const Address& group, std::uint32_t interface,
                               int name, std::string_view what) const {
  if (interface == 0) interface = group.scope();
  const group_req membership = Membership(group, interface);
  return WithDescriptor(source_, [&](System& system, int fd) {
    const int level = ipv6_ ? IPPROTO_IPV6 : IPPROTO_IP;
    if (system.setsockopt(fd, level, name, &membership, sizeof(membership)) ==
        0) {
      return absl::OkStatus();
    }
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("setsockopt(", ToAbseil(what),
                                             ", \"", group.ToString(), "\")"));
  });
}

absl::Status Multicast::SetInterface(std::uint32_t interface) const {
  if (ipv6_) {
    return SetOptionOf(source_, kIpv6Interface, static_cast<int>(interface));
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(interface);
  return WithDescriptor(source_, [&](System& system, int fd) {
    if (system.setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request,
                          sizeof(request)) == 0) {
      return absl::OkStatus();
    }
    const int error = errno;
    return ErrnoToStatus(
        error, absl::StrCat("setsockopt(IP_MULTICAST_IF, ", interface, ")"));
  });
}

absl::Status Multicast::SetLoopback(bool loopback) const {
  return SetOptionOf(source_, ipv6_ ? kIpv6Loopback : kLoopback,
                     loopback ? 1 : 0);
}

absl::StatusOr<bool> Multicast::loopback() const {
  const absl::StatusOr<int> value =
      OptionOf(source_, ipv6_ ? kIpv6Loopback : kLoopback);
  if (!value.ok()) return value.status();
  return *value != 0;
}

absl::Status Multicast::SetTtl(int ttl) const {
  return SetOptionOf(source_, ipv6_ ? kHops : kTtl, ttl);
}

absl::StatusOr<int> Multicast::ttl() const {
  return OptionOf(source_, ipv6_ ? kHops : kTtl);
}

}  // namespace weft::net
