// Tests of a simulated network: how long things take, where they are, and that
// a seed means one run. What its connections have in common with the kernel's
// is tested with those (each_network.h).
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_network.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/testing/two_hosts.h"

namespace weft::net::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::weft::reactor::ErrnoOf;

class SimulatedNetworkTest : public TwoHosts {};
class SimulatedLinkTest : public ConnectedHosts {};

// --- Time -------------------------------------------------------------------

TEST_F(SimulatedNetworkTest, ConnectsInTheTimeOfThereAndBack) {
  std::optional<TcpStream> stream;
  OnServer(AcceptInto(stream)).Detach();
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(network_.OnHost(kClient, Connect()));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(sim_.now() - start, 2 * kLatency);
}

TEST_F(SimulatedNetworkTest, RefusesInTheTimeOfThereAndBack) {
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(network_.OnHost(kClient, Connect()));

  EXPECT_EQ(ErrnoOf(status), ECONNREFUSED);
  EXPECT_EQ(sim_.now() - start, 2 * kLatency);
}

TEST_F(SimulatedNetworkTest, ConnectsAHostToItselfAtOnce) {
  std::optional<TcpStream> stream;
  OnServer(AcceptInto(stream)).Detach();
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(network_.OnHost(kServer, Connect()));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(sim_.now(), start);
}

TEST_F(SimulatedLinkTest, CarriesBytesInTheTimeOfTheLink) {
  JoinHandle<absl::StatusOr<absl::Duration>> read =
      OnServer(TimeToRead(*server_, "hello"));

  OnClient(Write(*client_, "hello")).Detach();
  sim_.RunUntilIdle();

  EXPECT_EQ(read.BlockingJoin().value(), kLatency);
}

TEST_F(SimulatedLinkTest, TakesAsLongAsTheBandwidthSays) {
  network_.SetLink(kServer, kClient,
                   {.latency = kLatency, .bytes_per_second = 100'000});
  const std::vector<std::byte> sent = Pattern(100'000);
  const Instant start = sim_.now();
  OnClient(WriteAllThenEnd(*client_, sent)).Detach();

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_TRUE(got.ok() && *got == sent);
  EXPECT_THAT(sim_.now() - start,
              AllOf(Ge(absl::Seconds(1) + kLatency),
                    Lt(absl::Seconds(1) + kLatency + absl::Milliseconds(1))));
}

TEST_F(SimulatedLinkTest, KeepsBytesInOrderWhateverTheJitter) {
  network_.SetLinks({.latency = kLatency, .jitter = absl::Seconds(1)});
  const std::vector<std::byte> sent = Pattern(200'000);
  OnClient(WriteAllThenEnd(*client_, sent)).Detach();

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_TRUE(got.ok() && *got == sent);
}

TEST_F(SimulatedLinkTest, LetsAWriterWaitForAReaderWhoDoesNotRead) {
  const std::vector<std::byte> much = Pattern(4 << 20);
  JoinHandle<absl::Status> written = OnClient(WriteAllThenEnd(*client_, much));
  sim_.RunUntilIdle();
  ASSERT_FALSE(written.finished());

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_EQ(written.BlockingJoin(), absl::OkStatus());
  EXPECT_TRUE(got.ok() && *got == much);
}

TEST_F(SimulatedLinkTest, WakesAWriterWhoseBufferHasGrown) {
  const std::vector<std::byte> much = Pattern(1 << 20);
  JoinHandle<absl::Status> written = OnClient(WriteAllThenEnd(*client_, much));
  sim_.RunUntilIdle();
  ASSERT_FALSE(written.finished());

  EXPECT_EQ(client_->SetSendBufferSize(2 << 20), absl::OkStatus());
  sim_.RunUntilIdle();

  ASSERT_TRUE(written.finished());
  EXPECT_EQ(written.BlockingJoin(), absl::OkStatus());
}

// --- Hosts ------------------------------------------------------------------

TEST_F(SimulatedLinkTest, NamesTheHostsAtBothEnds) {
  const absl::StatusOr<Address> client = client_->local_address();

  EXPECT_EQ(client_->peer_address().ToString(), kService);
  EXPECT_THAT(client->ToString(), HasSubstr("10.0.0.2:"));
  EXPECT_EQ(server_->peer_address(), *client);
}

TEST_F(SimulatedNetworkTest, HasALoopbackAddressForEachHost) {
  auto listen = []() -> Task<absl::StatusOr<TcpListener>> {
    co_return TcpListener::Bind("127.0.0.1:80");
  };
  auto connect = []() -> Task<absl::Status> {
    absl::StatusOr<TcpStream> stream =
        co_await TcpStream::Connect("127.0.0.1:80");
    co_return stream.status();
  };
  const absl::StatusOr<TcpListener> listener =
      sim_.Run(network_.OnHost(kServer, listen()));

  const absl::Status here = sim_.Run(network_.OnHost(kServer, connect()));
  const absl::Status there = sim_.Run(network_.OnHost(kClient, connect()));

  EXPECT_EQ(here, absl::OkStatus());
  EXPECT_EQ(ErrnoOf(there), ECONNREFUSED);
}

TEST_F(SimulatedNetworkTest, KeepsAHostFromTheAddressOfAnother) {
  auto listen = []() -> Task<absl::Status> {
    co_return TcpListener::Bind(kService).status();
  };

  const absl::Status status = sim_.Run(network_.OnHost(kClient, listen()));

  EXPECT_EQ(ErrnoOf(status), EADDRNOTAVAIL);
}

TEST_F(SimulatedNetworkTest, PutsWhoHasNoHostWhereItBindsTo) {
  std::optional<TcpStream> server;
  sim_.Spawn(AcceptInto(server));

  const absl::Status status = sim_.Run(Connect());
  sim_.RunUntilIdle();

  EXPECT_EQ(status, absl::OkStatus());
  ASSERT_TRUE(server.has_value());
  EXPECT_THAT(server->peer_address().ToString(), HasSubstr("192.0.2.1:"));
}

TEST_F(SimulatedNetworkTest, SpeaksIpv6) {
  auto serve = [](std::string& got) -> Task<absl::Status> {
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind("[2001:db8::7]:80"));
    TcpStream stream = co_await OrReturn(listener.Accept());
    got = co_await OrReturn(ReadText(stream));
    co_return absl::OkStatus();
  };
  auto ask = []() -> Task<absl::Status> {
    TcpStream stream =
        co_await OrReturn(TcpStream::Connect("[2001:db8::7]:80"));
    co_return co_await stream.WriteAll(Bytes("six"));
  };
  std::string got;
  sim_.Spawn(serve(got));

  const absl::Status status = sim_.Run(network_.OnHost("2001:db8::8", ask()));
  sim_.RunUntilIdle();

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(got, "six");
}

TEST_F(SimulatedNetworkTest, CannotReachTheOtherVersionOfIp) {
  const absl::Status status =
      sim_.Run(network_.OnHost("2001:db8::8", Connect()));

  EXPECT_EQ(ErrnoOf(status), ENETUNREACH);
}

TEST_F(SimulatedNetworkTest, DealsConnectionsToThoseWhoShareAPort) {
  auto serve = [](int& served) -> Task<absl::Status> {
    const ListenOptions shared = {.reuse_port = true};
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(kService, shared));
    for (;;) {
      const TcpStream stream = co_await OrReturn(listener.Accept());
      ++served;
    }
  };
  std::array<int, 2> served = {};
  for (int& count : served) OnServer(serve(count)).Detach();

  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sim_.Run(network_.OnHost(kClient, Connect())), absl::OkStatus());
  }
  sim_.RunFor(absl::Seconds(1));

  EXPECT_EQ(served[0] + served[1], 100);
  EXPECT_GT(served[0], 10);
  EXPECT_GT(served[1], 10);
}

TEST_F(SimulatedNetworkTest, LeavesNoSocketBehindWhereverItIsCancelled) {
  auto serve = [](TcpListener listener) -> Task<absl::Status> {
    TcpStream stream = co_await OrReturn(listener.Accept());
    const std::string text = co_await OrReturn(ReadText(stream));
    co_return co_await stream.WriteAll(Bytes(text));
  };
  auto both = [&serve]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind(kService));
    JoinHandle<absl::Status> served = Spawn(serve, std::move(listener));
    TcpStream stream = co_await OrReturn(TcpStream::Connect(kService));
    co_await OrReturn(stream.WriteAll(Bytes("echo")));
    co_await OrReturn(ReadText(stream));
    co_return co_await served.Join();
  };
  auto check = [](const absl::Status& status,
                  const weft::testing::Interrupted& at) {
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    EXPECT_TRUE(status.ok() || !at.undisturbed);
  };

  const absl::StatusOr<int> places = weft::testing::CancelEverywhere(
      {.seeds = 20, .system = &network_}, both, check);

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GT(*places, 5);
  EXPECT_EQ(network_.open_sockets(), 0u);
}

// --- The trace --------------------------------------------------------------

std::uint64_t HashOfATalk(std::uint64_t seed, std::vector<std::string>* lines) {
  Trace::Log log;
  if (lines != nullptr) {
    log = [lines](std::string_view line) { lines->emplace_back(line); };
  }
  SimulatedNetwork network({.seed = seed,
                            .links = {.latency = kLatency, .jitter = kLatency},
                            .log = log});
  weft::testing::Simulator sim({.system = &network});
  std::optional<TcpStream> server;
  std::optional<TcpStream> client;
  sim.Spawn(network.OnHost(kServer, AcceptInto(server)));
  sim.Spawn(network.OnHost(kClient, ConnectInto(client)));
  sim.RunUntilIdle();
  sim.Spawn(Write(*client, "hello"));
  sim.RunUntilIdle();
  return network.trace_hash();
}

TEST(SimulatedTraceTest, IsTheSameForTheSameSeed) {
  EXPECT_EQ(HashOfATalk(1, nullptr), HashOfATalk(1, nullptr));
  EXPECT_NE(HashOfATalk(1, nullptr), HashOfATalk(2, nullptr));
}

TEST(SimulatedTraceTest, CanBeRead) {
  std::vector<std::string> lines;

  const std::uint64_t hash = HashOfATalk(1, &lines);

  EXPECT_EQ(hash, HashOfATalk(1, nullptr));
  ASSERT_GE(lines.size(), 4u);
  EXPECT_THAT(lines[0], HasSubstr("10.0.0.2:49152 > 10.0.0.1:80 connect"));
  EXPECT_THAT(lines[1], HasSubstr("10.0.0.1:80 > 10.0.0.2:49152 answer"));
  EXPECT_THAT(lines[3], HasSubstr("10.0.0.2:49152 > 10.0.0.1:80 data 5"));
}

}  // namespace
}  // namespace weft::net::testing
