// From "example.org:80" to addresses, and to the first of them that works.
//
//     std::vector<Address> addresses = co_await OrReturn(
//         LookUpAddress("example.org:ntp", resolver, Transport::kUdp));
//     absl::Status status =
//         TryInTurn(addresses, "connect", "example.org:ntp", attempt);
//
// For what is known to work, or not, at once: to bind, and to choose the peer
// of a socket of datagrams, for which nothing is sent. To connect a stream is
// to wait for somebody else, who may never answer; that is done several at a
// time (happy_eyeballs.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_ADDRESS_LOOKUP_H_
#define WEFT_NET_ADDRESS_LOOKUP_H_

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "weft/net/address.h"
#include "weft/net/name_lookup.h"
#include "weft/net/resolver.h"
#include "weft/runtime/task.h"

namespace weft::net {

// What `text` stands for, which is an address or names a host and a port or
// service: "10.0.0.1:80", "[fe80::1%eth0]:80", "localhost:http". In the order
// in which to try them.
//
// Suspends: until the answer is known.
// Cancel:   CANCELLED; a system that is being asked is not waited for, and
//           keeps its thread of the blocking pool until it answers.
// Errors:   INVALID_ARGUMENT for text of another shape; as LookUpHost.
// Borrows:  the resolver, which may be null, until the task has finished.
Task<Addresses> LookUpAddress(std::string_view text, Resolver* resolver,
                              Transport transport);

// Drops the addresses that cannot be reached from `own`, which are those of the
// other family.
void KeepFamilyOf(const Address& own, std::vector<Address>& addresses);

// Calls `attempt` with one address after another until it works. What was to be
// done, such as to "connect", and with what `text`, is for the error of none.
//
// Errors: where it never does, the first one's with the messages of all
//         (AllErrors); INVALID_ARGUMENT for no addresses.
absl::Status TryInTurn(const std::vector<Address>& addresses,
                       std::string_view call, std::string_view text,
                       absl::FunctionRef<absl::Status(const Address&)> attempt);

}  // namespace weft::net

#endif  // WEFT_NET_ADDRESS_LOOKUP_H_
