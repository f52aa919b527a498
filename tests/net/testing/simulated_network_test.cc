// Tests of connections over a simulated network: how long things take, and what
// partitions, resets and crashes do to them. What such connections have in
// common with the kernel's is tested with those (each_network.h).
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_network.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
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
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::weft::reactor::ErrnoOf;
using ::weft::testing::Simulator;

constexpr char kServer[] = "10.0.0.1";
constexpr char kClient[] = "10.0.0.2";
constexpr char kService[] = "10.0.0.1:80";
constexpr absl::Duration kLatency = absl::Milliseconds(10);

// Two hosts that are ten milliseconds apart.
class SimulatedNetworkTest : public ::testing::Test {
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
  Simulator sim_{{.system = &network_}};
};

// Accepts one connection and keeps it.
Task<absl::Status> AcceptInto(std::optional<TcpStream>& stream,
                              ListenOptions options = {}) {
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(kService, options));
  stream.emplace(co_await OrReturn(listener.Accept()));
  co_return absl::OkStatus();
}

Task<absl::Status> ConnectInto(std::optional<TcpStream>& stream) {
  stream.emplace(co_await OrReturn(TcpStream::Connect(kService)));
  co_return absl::OkStatus();
}

// A connection, and the two tasks' ends of it.
class ConnectedTest : public SimulatedNetworkTest {
 protected:
  ConnectedTest() {
    OnServer(AcceptInto(server_)).Detach();
    OnClient(ConnectInto(client_)).Detach();
    sim_.RunUntilIdle();
  }

  std::optional<TcpStream> server_;
  std::optional<TcpStream> client_;
};

Task<absl::Status> Connect(ConnectOptions options = {}) {
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(kService, options);
  co_return stream.status();
}

Task<absl::StatusOr<absl::Duration>> TimeToRead(TcpStream& stream,
                                                std::string expected) {
  const Instant start = Now();
  const std::string text = co_await OrReturn(ReadText(stream));
  EXPECT_EQ(text, expected);
  co_return Now() - start;
}

Task<absl::Status> Write(TcpStream& stream, std::string text) {
  co_return co_await stream.WriteAll(Bytes(text));
}

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

TEST_F(ConnectedTest, CarriesBytesInTheTimeOfTheLink) {
  JoinHandle<absl::StatusOr<absl::Duration>> read =
      OnServer(TimeToRead(*server_, "hello"));

  OnClient(Write(*client_, "hello")).Detach();
  sim_.RunUntilIdle();

  EXPECT_EQ(read.BlockingJoin().value(), kLatency);
}

TEST_F(ConnectedTest, TakesAsLongAsTheBandwidthSays) {
  network_.SetLink(kServer, kClient,
                   {.latency = kLatency, .bytes_per_second = 100'000});
  const std::vector<std::byte> sent = Pattern(100'000);
  auto write = [](TcpStream& stream,
                  std::span<const std::byte> bytes) -> Task<absl::Status> {
    co_await OrReturn(stream.WriteAll(bytes));
    co_return stream.ShutdownWrite();
  };
  const Instant start = sim_.now();
  OnClient(write(*client_, sent)).Detach();

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_TRUE(got.ok() && *got == sent);
  EXPECT_THAT(sim_.now() - start,
              AllOf(Ge(absl::Seconds(1) + kLatency),
                    Lt(absl::Seconds(1) + kLatency + absl::Milliseconds(1))));
}

TEST_F(ConnectedTest, KeepsBytesInOrderWhateverTheJitter) {
  network_.SetLinks({.latency = kLatency, .jitter = absl::Seconds(1)});
  const std::vector<std::byte> sent = Pattern(200'000);
  auto write = [](TcpStream& stream,
                  std::span<const std::byte> bytes) -> Task<absl::Status> {
    co_await OrReturn(stream.WriteAll(bytes));
    co_return stream.ShutdownWrite();
  };
  OnClient(write(*client_, sent)).Detach();

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_TRUE(got.ok() && *got == sent);
}

TEST_F(ConnectedTest, LetsAWriterWaitForAReaderWhoDoesNotRead) {
  const std::vector<std::byte> much = Pattern(4 << 20);
  auto write = [](TcpStream& stream,
                  std::span<const std::byte> bytes) -> Task<absl::Status> {
    co_await OrReturn(stream.WriteAll(bytes));
    co_return stream.ShutdownWrite();
  };
  JoinHandle<absl::Status> written = OnClient(write(*client_, much));
  sim_.RunUntilIdle();
  ASSERT_FALSE(written.finished());

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_EQ(written.BlockingJoin(), absl::OkStatus());
  EXPECT_TRUE(got.ok() && *got == much);
}

// --- Hosts ------------------------------------------------------------------

TEST_F(ConnectedTest, NamesTheHostsAtBothEnds) {
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

// --- Partitions -------------------------------------------------------------

TEST_F(SimulatedNetworkTest, LeavesAConnectAcrossAPartitionWithoutAnAnswer) {
  std::optional<TcpStream> server;
  OnServer(AcceptInto(server)).Detach();
  sim_.RunUntilIdle();
  network_.Partition(kServer, kClient);
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(
      network_.OnHost(kClient, Connect({.timeout = absl::Seconds(5)})));

  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(sim_.now() - start,
              AllOf(Ge(absl::Seconds(5)), Lt(absl::Milliseconds(5001))));
}

TEST_F(SimulatedNetworkTest, GivesUpAConnectAfterTwoMinutes) {
  network_.Partition(kServer, kClient);
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(network_.OnHost(kClient, Connect()));

  EXPECT_EQ(ErrnoOf(status), ETIMEDOUT);
  EXPECT_EQ(sim_.now() - start, absl::Seconds(127));
}

TEST_F(SimulatedNetworkTest, ConnectsOnceThePartitionIsHealed) {
  std::optional<TcpStream> server;
  OnServer(AcceptInto(server)).Detach();
  network_.Partition(kServer, kClient);
  JoinHandle<absl::Status> connecting = OnClient(Connect());
  sim_.RunFor(absl::Seconds(10));
  ASSERT_FALSE(connecting.finished());

  network_.Heal(kServer, kClient);
  sim_.RunFor(absl::Seconds(10));

  ASSERT_TRUE(connecting.finished());
  EXPECT_EQ(connecting.BlockingJoin(), absl::OkStatus());
}

TEST_F(ConnectedTest, KeepsWhatIsSentAcrossAPartitionUntilItIsHealed) {
  JoinHandle<absl::StatusOr<absl::Duration>> read =
      OnServer(TimeToRead(*server_, "one, two"));
  network_.Partition(kServer, kClient);
  OnClient(Write(*client_, "one, ")).Detach();
  OnClient(Write(*client_, "two")).Detach();
  sim_.RunFor(absl::Minutes(10));
  ASSERT_FALSE(read.finished());

  network_.Heal(kServer, kClient);
  sim_.RunUntilIdle();

  EXPECT_EQ(read.BlockingJoin().value(), absl::Minutes(10) + kLatency);
}

// What was on its way before, and what comes after, changes no order.
TEST_F(ConnectedTest, KeepsBytesInOrderThroughPartitions) {
  network_.SetLinks({.latency = kLatency,
                     .jitter = absl::Milliseconds(7),
                     .bytes_per_second = 1'000'000});
  const std::vector<std::byte> sent = Pattern(1 << 20);
  auto write = [](TcpStream& stream,
                  std::span<const std::byte> bytes) -> Task<absl::Status> {
    co_await OrReturn(stream.WriteAll(bytes));
    co_return stream.ShutdownWrite();
  };
  OnClient(write(*client_, sent)).Detach();
  JoinHandle<absl::StatusOr<std::vector<std::byte>>> read =
      OnServer(ReadAll(*server_));

  for (int i = 0; i < 100; ++i) {
    network_.Partition(kServer, kClient);
    sim_.RunFor(absl::Milliseconds(13));
    network_.Heal(kServer, kClient);
    sim_.RunFor(absl::Milliseconds(17));
  }
  sim_.RunUntilIdle();

  ASSERT_TRUE(read.finished());
  const absl::StatusOr<std::vector<std::byte>> got = read.BlockingJoin();
  EXPECT_TRUE(got.ok() && *got == sent);
}

TEST_F(ConnectedTest, GivesUpWhatIsNotAcknowledgedForAQuarterOfAnHour) {
  network_.Partition(kServer, kClient);
  JoinHandle<absl::StatusOr<std::string>> read = OnClient(ReadText(*client_));
  OnClient(Write(*client_, "anybody there?")).Detach();

  sim_.RunFor(absl::Minutes(16));
  ASSERT_TRUE(read.finished());
  network_.Heal(kServer, kClient);
  JoinHandle<absl::StatusOr<std::string>> unaware =
      OnServer(ReadText(*server_));
  sim_.RunFor(absl::Minutes(1));

  EXPECT_EQ(ErrnoOf(read.BlockingJoin().status()), ETIMEDOUT);
  // The other end had nothing to say, and waits as it would.
  EXPECT_FALSE(unaware.finished());
  OnServer(Write(*server_, "hello?")).Detach();
  sim_.RunUntilIdle();
  ASSERT_TRUE(unaware.finished());
  EXPECT_EQ(ErrnoOf(unaware.BlockingJoin().status()), ECONNRESET);
}

TEST_F(ConnectedTest, LetsTheClockRestWhereNothingIsUnderWay) {
  OnClient(Write(*client_, "noted")).Detach();
  sim_.RunUntilIdle();
  network_.Partition(kServer, kClient);
  const Instant start = sim_.now();

  sim_.RunUntilIdle();

  EXPECT_EQ(sim_.now(), start);
}

// --- Ends -------------------------------------------------------------------

TEST_F(ConnectedTest, ResetsBothEndsWhenItIsTold) {
  JoinHandle<absl::StatusOr<std::string>> there = OnServer(ReadText(*server_));
  JoinHandle<absl::StatusOr<std::string>> here = OnClient(ReadText(*client_));
  sim_.RunUntilIdle();

  network_.ResetConnections(kServer, kClient);
  sim_.RunUntilIdle();

  ASSERT_TRUE(there.finished() && here.finished());
  EXPECT_EQ(ErrnoOf(there.BlockingJoin().status()), ECONNRESET);
  EXPECT_EQ(ErrnoOf(here.BlockingJoin().status()), ECONNRESET);
}

TEST_F(ConnectedTest, TellsThePeersOfAHostThatCrashed) {
  JoinHandle<absl::StatusOr<std::string>> there = OnServer(ReadText(*server_));
  JoinHandle<absl::StatusOr<std::string>> here = OnClient(ReadText(*client_));
  sim_.RunUntilIdle();
  const Instant start = sim_.now();

  network_.Crash(kServer);
  sim_.RunUntilIdle();

  ASSERT_TRUE(there.finished() && here.finished());
  EXPECT_EQ(ErrnoOf(there.BlockingJoin().status()), ENETDOWN);
  EXPECT_EQ(ErrnoOf(here.BlockingJoin().status()), ECONNRESET);
  EXPECT_EQ(sim_.now() - start, kLatency);
}

TEST_F(ConnectedTest, HidesACrashBehindAPartition) {
  JoinHandle<absl::StatusOr<std::string>> here = OnClient(ReadText(*client_));
  network_.Partition(kServer, kClient);
  network_.Crash(kServer);
  sim_.RunFor(absl::Hours(1));
  network_.Heal(kServer, kClient);
  sim_.RunFor(absl::Hours(1));
  ASSERT_FALSE(here.finished());

  OnClient(Write(*client_, "still there?")).Detach();
  sim_.RunUntilIdle();

  ASSERT_TRUE(here.finished());
  EXPECT_EQ(ErrnoOf(here.BlockingJoin().status()), ECONNRESET);
}

TEST_F(SimulatedNetworkTest, FreesThePortsOfAHostThatCrashed) {
  std::optional<TcpStream> first;
  std::optional<TcpStream> second;
  JoinHandle<absl::Status> failed = OnServer(AcceptInto(first));
  sim_.RunUntilIdle();

  network_.Crash(kServer);
  sim_.RunUntilIdle();
  OnServer(AcceptInto(second)).Detach();
  const absl::Status connected = sim_.Run(network_.OnHost(kClient, Connect()));
  sim_.RunUntilIdle();

  ASSERT_TRUE(failed.finished());
  EXPECT_FALSE(failed.BlockingJoin().ok());
  EXPECT_EQ(connected, absl::OkStatus());
  EXPECT_TRUE(second.has_value());
}

TEST_F(ConnectedTest, ReadsWhatCameBeforeTheReset) {
  OnServer(Write(*server_, "last words")).Detach();
  sim_.RunUntilIdle();
  server_->Abort();
  sim_.RunUntilIdle();

  const absl::StatusOr<std::string> words = sim_.Run(ReadText(*client_));
  const absl::StatusOr<std::string> error = sim_.Run(ReadText(*client_));
  const absl::StatusOr<std::string> end = sim_.Run(ReadText(*client_));

  EXPECT_EQ(words.value_or("lost"), "last words");
  EXPECT_EQ(ErrnoOf(error.status()), ECONNRESET);
  EXPECT_EQ(end.value_or("no end"), "");
}

TEST_F(ConnectedTest, DeliversWhatWasWrittenBeforeTheClose) {
  network_.SetLinks({.latency = kLatency, .bytes_per_second = 100'000});
  const std::vector<std::byte> sent = Pattern(200'000);
  auto write = [](TcpStream& stream,
                  std::span<const std::byte> bytes) -> Task<absl::Status> {
    absl::Status written = co_await stream.WriteAll(bytes);
    stream.Close();
    co_return written;
  };
  OnClient(write(*client_, sent)).Detach();

  const absl::StatusOr<std::vector<std::byte>> got =
      sim_.Run(ReadAll(*server_));

  EXPECT_TRUE(got.ok() && *got == sent);
}

TEST_F(ConnectedTest, AnswersWithAResetWhatNobodyWillRead) {
  client_->Close();
  sim_.RunUntilIdle();

  const absl::Status first = sim_.Run(Write(*server_, "too late"));
  sim_.RunUntilIdle();
  const absl::Status second = sim_.Run(Write(*server_, "too late"));

  EXPECT_EQ(first, absl::OkStatus());  // Nobody knew.
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
}

TEST_F(SimulatedNetworkTest, LeavesOutConnectsThatTheBacklogDoesNotHold) {
  std::vector<TcpStream> accepted;
  auto serve = [](std::vector<TcpStream>& streams) -> Task<absl::Status> {
    const ListenOptions small = {.backlog = 0};
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(kService, small));
    co_await OrReturn(SleepFor(absl::Seconds(5)));
    for (;;) streams.push_back(co_await OrReturn(listener.Accept()));
  };
  OnServer(serve(accepted)).Detach();
  JoinHandle<absl::Status> first = OnClient(Connect());
  sim_.RunFor(absl::Seconds(1));
  JoinHandle<absl::Status> second = OnClient(Connect());
  sim_.RunFor(absl::Seconds(3));
  const bool answered = second.finished();

  sim_.RunFor(absl::Minutes(1));

  EXPECT_EQ(first.BlockingJoin(), absl::OkStatus());
  EXPECT_FALSE(answered);
  ASSERT_TRUE(second.finished());
  EXPECT_EQ(second.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(accepted.size(), 2u);
}

TEST_F(SimulatedNetworkTest, ResetsWhomAListenerDidNotAccept) {
  std::optional<TcpListener> listener;
  auto bind = [](std::optional<TcpListener>& into) -> Task<absl::Status> {
    into.emplace(co_await OrReturn(TcpListener::Bind(kService)));
    co_return absl::OkStatus();
  };
  std::optional<TcpStream> client;
  OnServer(bind(listener)).Detach();
  OnClient(ConnectInto(client)).Detach();
  sim_.RunUntilIdle();

  listener->Close();
  sim_.RunUntilIdle();

  EXPECT_EQ(ErrnoOf(sim_.Run(ReadText(*client)).status()), ECONNRESET);
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
  auto check = [this](const absl::Status& status,
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
  Simulator sim({.system = &network});
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
