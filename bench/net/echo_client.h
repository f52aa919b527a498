// EchoClient: many connections and one thread that asks on all of them, with
// nothing between it and the kernel, so that the server is what is measured.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_ECHO_CLIENT_H_
#define WEFT_BENCH_NET_ECHO_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::bench {

// Ends the program where a system call fails: a benchmark has no other way.
class EchoClient {
 public:
  // Connects to a port of the loopback. Every request is `bytes` long.
  EchoClient(std::uint16_t port, int connections, std::size_t bytes);
  EchoClient(const EchoClient&) = delete;
  EchoClient& operator=(const EchoClient&) = delete;
  ~EchoClient();

  // Asks until `requests` have been answered, one at a time on each connection.
  void Ask(std::int64_t requests);

 private:
  // How much of the answer is still to come; 0 between two requests.
  struct Connection {
    int socket;
    std::size_t missing;
  };

  void SendTo(Connection& connection);
  // True when the answer is complete.
  bool ReceiveFrom(Connection& connection);

  const int queue_;
  std::vector<std::byte> buffer_;
  std::vector<Connection> connections_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_ECHO_CLIENT_H_
