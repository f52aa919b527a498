// Connecting to a host that has several addresses: RFC 8305, "Happy Eyeballs".
//
//     A  |--connect----------------------------x  cancelled: B has won
//     B        |--connect-------|                 the first that succeeds
//     C              |--x                         refused
//     D                 |--connect-------------x  cancelled
//        0     250   500                          milliseconds
//
// Of two addresses one often leads nowhere: IPv6 that some router swallows, a
// machine that is down. To wait until the system gives up on one before trying
// the next takes minutes. So the next attempt begins a quarter of a second
// after the one before, or as soon as any has failed; and families take turns,
// so that the second attempt is not as lost as the first.
//
// Invariants
//   1. Attempts begin in order, and one for each failure or delay, whichever
//      comes first; so a failure is made good by exactly one new attempt.
//   2. The first success cancels the others; they are over, and their sockets
//      closed, before the caller goes on. Of two that succeed in the same
//      moment the earlier address is taken.
//   3. Where none succeeds, every error is told.
//
// What the RFC also has, and we cannot: to begin when one family's addresses
// are known and the other's are not (section 3), since getaddrinfo(3) tells
// them all at once.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_HAPPY_EYEBALLS_H_
#define WEFT_NET_HAPPY_EYEBALLS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Connects to whichever of `addresses` answers first, and prefers the earlier
// ones by options.attempt_delay.
//
// Suspends: until one has answered, or all have failed.
// Cancel:   CANCELLED; every socket is closed.
// Errors:   where all fail, the first one's with the messages of all
//           (AllErrors); INVALID_ARGUMENT for no addresses, or none of the
//           family of options.source; DEADLINE_EXCEEDED after options.timeout,
//           which is for all of them together.
// Cost:     a task for each attempt; of a single address, a frame.
Task<absl::StatusOr<TcpStream>> ConnectToAny(std::vector<Address> addresses,
                                             ConnectOptions options = {});

// The same addresses, the families in turns, beginning with that of the first
// (section 4). Within a family the order stays.
std::vector<Address> WithFamiliesInTurns(std::vector<Address> addresses);

}  // namespace weft::net

#endif  // WEFT_NET_HAPPY_EYEBALLS_H_
