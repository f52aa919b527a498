// Two hosts of a simulated network, ten milliseconds apart, for tests; and what
// a server and a client do there.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TESTING_TWO_HOSTS_H_
#define WEFT_TESTS_NET_TESTING_TWO_HOSTS_H_

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net::testing {

inline constexpr char kServer[] = "10.0.0.1";
inline constexpr char kClient[] = "10.0.0.2";
inline constexpr char kService[] = "10.0.0.1:80";
inline constexpr absl::Duration kLatency = absl::Milliseconds(10);

// Two hosts that are ten milliseconds apart.
class TwoHosts : public ::testing::Test {
 protected:
  template <typename T>
  JoinHandle<T> OnServer(Task<T> task) {
    return sim_.SpawnJoinable(network_.OnHost(kServer, std::move(task)));
  }
  template <typename T>
  JoinHandle<T> OnClient(Task<T> task) {
    return sim_.SpawnJoinable(network_.OnHost(kClient, std::move(task)));
  }

  SimulatedNetwork network_{{.seed = 1, .links = {.latency = kLatency}}};
  // The ends of a connection, if a test has one.
  std::optional<TcpStream> server_;
  std::optional<TcpStream> client_;
  weft::testing::Simulator sim_{{.system = &network_}};
};

// Accepts one connection and keeps it.
inline Task<absl::Status> AcceptInto(std::optional<TcpStream>& stream,
                                     ListenOptions options = {}) {
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(kService, options));
  stream.emplace(co_await OrReturn(listener.Accept()));
  co_return absl::OkStatus();
}

inline Task<absl::Status> ConnectInto(std::optional<TcpStream>& stream) {
  stream.emplace(co_await OrReturn(TcpStream::Connect(kService)));
  co_return absl::OkStatus();
}

// A connection is there.
class ConnectedHosts : public TwoHosts {
 protected:
  ConnectedHosts() {
    OnServer(AcceptInto(server_)).Detach();
    OnClient(ConnectInto(client_)).Detach();
    sim_.RunUntilIdle();
  }
};

inline Task<absl::Status> Connect(ConnectOptions options = {}) {
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(kService, options);
  co_return stream.status();
}

inline Task<absl::StatusOr<absl::Duration>> TimeToRead(TcpStream& stream,
                                                       std::string expected) {
  const Instant start = Now();
  const std::string text = co_await OrReturn(ReadText(stream));
  EXPECT_EQ(text, expected);
  co_return Now() - start;
}

inline Task<absl::Status> Write(TcpStream& stream, std::string text) {
  co_return co_await stream.WriteAll(Bytes(text));
}

inline Task<absl::Status> WriteAllThenEnd(TcpStream& stream,
                                          std::span<const std::byte> bytes) {
  co_await OrReturn(stream.WriteAll(bytes));
  co_return stream.ShutdownWrite();
}

}  // namespace weft::net::testing

#endif  // WEFT_TESTS_NET_TESTING_TWO_HOSTS_H_
