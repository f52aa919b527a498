// The server whose requests are counted: it sends back what it gets.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_ECHO_SERVER_H_
#define WEFT_BENCH_NET_ECHO_SERVER_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/leased_read.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

namespace weft::bench {

// One frame for each client, and no buffer while it says nothing. One client's
// trouble is not the others'.
inline Task<> Echo(net::TcpStream client) {
  for (;;) {
    const absl::StatusOr<net::LeasedBytes> bytes = co_await client.ReadSome();
    if (!bytes.ok() || bytes->empty()) co_return;
    const absl::Status written = co_await client.WriteAll(bytes->bytes());
    if (!written.ok()) co_return;
  }
}

// Until it is cancelled. A client that is silent for `timeout` is let go.
// Borrows: `listener`.
inline Task<absl::Status> ServeEchoWithTimeout(net::TcpListener& listener,
                                               absl::Duration timeout) {
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (;;) {
      net::TcpStream client = co_await OrReturn(listener.Accept());
      co_await OrReturn(client.SetNoDelay(true));
      client.SetReadTimeout(timeout);
      clients.Spawn(Echo, std::move(client));
    }
  });
}

// As above, however silent a client is.
inline Task<absl::Status> ServeEcho(net::TcpListener& listener) {
  return ServeEchoWithTimeout(listener, absl::InfiniteDuration());
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_ECHO_SERVER_H_
