// The server whose requests are counted: it sends back what it gets.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_ECHO_SERVER_H_
#define WEFT_BENCH_NET_ECHO_SERVER_H_

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

namespace weft::bench {

// More than the largest request that is sent: a read that fills its buffer must
// be followed by one that finds nothing (tcp_stream.h).
inline constexpr std::size_t kEchoBuffer = 20 * 1024;

inline Task<absl::Status> Echo(net::TcpStream& stream) {
  std::array<std::byte, kEchoBuffer> buffer;
  for (;;) {
    const std::size_t size = co_await OrReturn(stream.Read(buffer));
    if (size == 0) break;
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(size)));
  }
  co_return absl::OkStatus();
}

inline Task<> Attend(net::TcpStream client) {
  absl::Status status = co_await Echo(client);
  status.IgnoreError();  // One client's trouble is not the others'.
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
      clients.Spawn(Attend, std::move(client));
    }
  });
}

// As above, however silent a client is.
inline Task<absl::Status> ServeEcho(net::TcpListener& listener) {
  return ServeEchoWithTimeout(listener, absl::InfiniteDuration());
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_ECHO_SERVER_H_
