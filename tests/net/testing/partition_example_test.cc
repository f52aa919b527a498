// An example: a client that asks again when it gets no answer, tested against a
// partition. Three hundred seconds of network in a few milliseconds.
//
// What is tested is the program as it is: nothing in Client or Serve knows that
// the network is simulated.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net {
namespace {

constexpr std::string_view kService = "10.0.0.1:7";

// --- The program ------------------------------------------------------------

// A connection that fails is the client's business.
Task<absl::Status> Echo(TcpStream stream) {
  std::array<std::byte, 512> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.Read(buffer);
    if (!got.ok() || *got == 0) co_return absl::OkStatus();
    const absl::Status sent =
        co_await stream.WriteAll(std::span(buffer).first(*got));
    if (!sent.ok()) co_return absl::OkStatus();
  }
}

Task<absl::Status> Serve() {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(kService));
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (;;) {
      TcpStream client = co_await OrReturn(listener.Accept());
      clients.Spawn(Echo, std::move(client));
    }
  });
}

Task<absl::Status> AskOnce() {
  TcpStream stream = co_await OrReturn(TcpStream::Connect(kService));
  std::array<std::byte, 4> answer = {};
  co_await OrReturn(stream.WriteAll(answer));
  co_return co_await ReadExactly(stream, answer);
}

// Two seconds a try; after the first a second's pause, and twice as long after
// each that follows, up to half a minute.
Task<absl::StatusOr<int>> Ask() {
  absl::Duration pause = absl::Seconds(1);
  for (int tries = 1;; ++tries) {
    const absl::Status asked =
        co_await WithTimeout(absl::Seconds(2), AskOnce());
    if (asked.ok()) co_return tries;
    co_await OrReturn(SleepFor(pause));
    pause = std::min(2 * pause, absl::Seconds(30));
  }
}

// --- Its test ---------------------------------------------------------------

TEST(PartitionExampleTest, AsksUntilThePartitionIsHealed) {
  testing::SimulatedNetwork network(
      {.links = {.latency = absl::Milliseconds(20)}});
  weft::testing::Simulator sim({.system = &network});
  sim.Spawn(network.OnHost("10.0.0.1", Serve()));
  network.Partition("10.0.0.1", "10.0.0.2");
  const Instant start = sim.now();
  JoinHandle<absl::StatusOr<int>> client =
      sim.SpawnJoinable(network.OnHost("10.0.0.2", Ask()));

  sim.RunFor(absl::Minutes(5));
  const bool answered_too_early = client.finished();
  network.Heal("10.0.0.1", "10.0.0.2");
  sim.RunFor(absl::Minutes(1));

  EXPECT_FALSE(answered_too_early);
  ASSERT_TRUE(client.finished());
  // After 2+1, 2+2, 2+4, 2+8, 2+16 seconds, then every 32: at 299, which the
  // partition still ate, and at 331.
  EXPECT_EQ(client.BlockingJoin(), absl::StatusOr<int>(15));
  EXPECT_LT(sim.now() - start, absl::Minutes(7));
}

TEST(PartitionExampleTest, IsAnsweredAtOnceWhereNothingIsWrong) {
  testing::SimulatedNetwork network(
      {.links = {.latency = absl::Milliseconds(20)}});
  weft::testing::Simulator sim({.system = &network});
  sim.Spawn(network.OnHost("10.0.0.1", Serve()));
  const Instant start = sim.now();

  const absl::StatusOr<int> tries = sim.Run(network.OnHost("10.0.0.2", Ask()));

  EXPECT_EQ(tries, absl::StatusOr<int>(1));
  // There and back for the connection, and once more for the question.
  EXPECT_EQ(sim.now() - start, absl::Milliseconds(80));
}

}  // namespace
}  // namespace weft::net
