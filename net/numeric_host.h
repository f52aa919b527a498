// Hosts that are addresses themselves: whom nobody needs to be asked about.
//
//     "10.0.0.1"   "fe80::1"   "fe80::1%3"   "fe80::1%eth0"
//                                       ^ scope: the number or the name of an
//                                         interface of this machine
//
// Address::Parse asks the system nothing and so knows numbers only; here, where
// a System is at hand, the names of interfaces are read too (RFC 4007, 11).
//
// Rejected: to leave numbers to getaddrinfo, which reads them as well
// (AI_NUMERICHOST). It would have to be called on the pool, since no manual
// says that it never blocks, and that is a hundred times the work.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_NUMERIC_HOST_H_
#define WEFT_NET_NUMERIC_HOST_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/reactor/system.h"

namespace weft::net {

// The address that `host` is, with port 0. Nothing where it can only be a name.
// (So can "127.1", which is an address to getaddrinfo: inet_aton(3).)
//
// Errors: INVALID_ARGUMENT for a colon in what is no IPv6 address; what
//         if_nametoindex(3) says of an interface that does not exist.
std::optional<absl::StatusOr<Address>> ParseNumericHost(reactor::System& system,
                                                        std::string_view host);

}  // namespace weft::net

#endif  // WEFT_NET_NUMERIC_HOST_H_
