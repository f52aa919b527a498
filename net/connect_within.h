// A limit of time for connecting, and what is said when it has passed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_CONNECT_WITHIN_H_
#define WEFT_NET_CONNECT_WITHIN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Runs `connecting`, and cancels it when `timeout` has passed. `name` is the
// operation and its operand: `connect("example.org:80")`.
//
// Suspends: as `connecting` does.
// Cancel:   passed on to `connecting`.
// Errors:   DEADLINE_EXCEEDED after `timeout`.
Task<absl::StatusOr<TcpStream>> ConnectWithin(
    absl::Duration timeout, Task<absl::StatusOr<TcpStream>> connecting,
    std::string name);

}  // namespace weft::net

#endif  // WEFT_NET_CONNECT_WITHIN_H_
