// Multicast: what a UDP socket has to do with groups, to receive from them and
// to send to them.
//
//     auto socket = co_await OrReturn(UdpSocket::Bind("0.0.0.0:5353", shared));
//     auto group = co_await OrReturn(Address::Parse("224.0.0.251:5353"));
//     co_await OrReturn(socket.multicast().Join(group));
//
// A group is an address that one joins on an interface; who sends to it need
// not be in it. Interfaces go by their numbers, for both versions of IP, as in
// RFC 3678 (the older calls for IPv4 name one by one of its addresses). 0 is
// what the system thinks best, by its routes.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_MULTICAST_H_
#define WEFT_NET_MULTICAST_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/reactor/source.h"

namespace weft::net {

// The number of the interface of that name, "eth0" say.
// Requires: InsideRuntime().
//
// Errors: what the system says where there is none of that name.
absl::StatusOr<std::uint32_t> InterfaceNumber(std::string_view name);

// Every function is one system call that does not wait. In their errors are
// FAILED_PRECONDITION for a socket that is closed on this side, or an interface
// that cannot do it.
//
// Threads: any.
// Borrows: the socket that it is of.
class Multicast {
 public:
  // Of the socket of `source`, which speaks one version of IP.
  Multicast(reactor::Source& source, bool ipv6) noexcept
      : source_(source), ipv6_(ipv6) {}

  // Receives what is sent to `group`, whose port does not matter, on an
  // interface; without one, on that of the group's scope. (Linux hands it to
  // every socket that is bound to the port, whoever of this machine joined,
  // unless the socket is bound to the group's own address.)
  //
  // Errors: INVALID_ARGUMENT where it is no group; FAILED_PRECONDITION where
  //         the socket is in it already.
  absl::Status Join(const Address& group, std::uint32_t interface = 0) const;

  // Takes back a Join with the same arguments; closing does so with all.
  absl::Status Leave(const Address& group, std::uint32_t interface = 0) const;

  // By which interface datagrams to groups go out; 0: by their routes.
  absl::Status SetInterface(std::uint32_t interface) const;

  // Whether what is sent to a group comes back to the members of it that are on
  // this machine; it does at first.
  absl::Status SetLoopback(bool loopback) const;
  absl::StatusOr<bool> loopback() const;

  // How many routers a datagram to a group may pass, and one: 1 at first, so
  // that it stays on its link.
  absl::Status SetTtl(int ttl) const;
  absl::StatusOr<int> ttl() const;

 private:
  absl::Status Change(const Address& group, std::uint32_t interface, int name,
                      std::string_view what) const;

  reactor::Source& source_;
  const bool ipv6_;
};

}  // namespace weft::net

#endif  // WEFT_NET_MULTICAST_H_
