// Connecting to what is called "example.org:80": looked up first, and then
// whichever of its addresses answers.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_CONNECT_BY_NAME_H_
#define WEFT_NET_CONNECT_BY_NAME_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/task.h"

namespace weft::net {

// As TcpStream::Connect, which calls it for text that is no address:
// "localhost:80", "localhost:http", "[fe80::1%eth0]:80".
//
// Suspends: until the name is known and a peer has answered.
// Cancel:   CANCELLED; every socket is closed. A system that is being asked
//           for the name is not waited for, and keeps its thread of the
//           blocking pool until it answers.
// Errors:   INVALID_ARGUMENT for text of another shape; as LookUpHost and
//           ConnectToAny. DEADLINE_EXCEEDED after options.timeout, which is for
//           both together.
Task<absl::StatusOr<TcpStream>> ConnectByName(std::string_view text,
                                              ConnectOptions options);

}  // namespace weft::net

#endif  // WEFT_NET_CONNECT_BY_NAME_H_
