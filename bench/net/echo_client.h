// EchoClient: many connections and one thread that asks on all of them, with
// nothing between it and the kernel, so that the server is what is measured.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_ECHO_CLIENT_H_
#define WEFT_BENCH_NET_ECHO_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "weft/bench/net/latency_histogram.h"

namespace weft::bench {

// Ends the program where a system call fails: a benchmark has no other way.
class EchoClient {
 public:
  using Clock = std::chrono::steady_clock;

  // Connects to a port of the loopback. Every request is `bytes` long.
  EchoClient(std::uint16_t port, int connections, std::size_t bytes);
  EchoClient(const EchoClient&) = delete;
  EchoClient& operator=(const EchoClient&) = delete;
  ~EchoClient();

  // Asks until `requests` have been answered, one at a time on each connection.
  void Ask(std::int64_t requests);

  // Asks for so long, one at a time on each connection, and waits for the last
  // answers: how long each took.
  LatencyHistogram AskFor(Clock::duration duration);

  // As AskFor, but each request has a connection of its own, closed when it has
  // been answered: how long it took from connecting on.
  LatencyHistogram ConnectFor(Clock::duration duration);

 private:
  // How much of the answer is still to come, 0 between two requests; and when
  // it was asked for.
  struct Connection {
    int socket;
    std::size_t missing;
    Clock::time_point since;
  };

  int Connect();
  void Watch(std::size_t index);
  void SendTo(Connection& connection);
  // True when the answer is complete.
  bool ReceiveFrom(Connection& connection);
  // Waits for `answers`. `answered` is told of each, and says how many more to
  // wait for.
  void Converse(std::int64_t answers,
                absl::FunctionRef<int(Connection&)> answered);

  const std::uint16_t port_;
  const int queue_;
  std::uint32_t connected_ = 0;
  std::vector<std::byte> buffer_;
  std::vector<Connection> connections_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_ECHO_CLIENT_H_
