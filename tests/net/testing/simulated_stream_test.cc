// Tests of how simulated connections and listeners end: by a close, by a reset
// and in a crash.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_stream.h"

#include <cerrno>
#include <cstddef>
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
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/testing/two_hosts.h"

namespace weft::net::testing {
namespace {

using ::weft::reactor::ErrnoOf;

class SimulatedListenerTest : public TwoHosts {};
class SimulatedStreamTest : public ConnectedHosts {};

TEST_F(SimulatedStreamTest, ResetsBothEndsWhenItIsTold) {
  JoinHandle<absl::StatusOr<std::string>> there = OnServer(ReadText(*server_));
  JoinHandle<absl::StatusOr<std::string>> here = OnClient(ReadText(*client_));
  sim_.RunUntilIdle();

  network_.ResetConnections(kServer, kClient);
  sim_.RunUntilIdle();

  ASSERT_TRUE(there.finished() && here.finished());
  EXPECT_EQ(ErrnoOf(there.BlockingJoin().status()), ECONNRESET);
  EXPECT_EQ(ErrnoOf(here.BlockingJoin().status()), ECONNRESET);
}

TEST_F(SimulatedStreamTest, TellsThePeersOfAHostThatCrashed) {
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

TEST_F(SimulatedStreamTest, HidesACrashBehindAPartition) {
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

TEST_F(SimulatedListenerTest, FreesThePortsOfAHostThatCrashed) {
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

TEST_F(SimulatedStreamTest, ReadsWhatCameBeforeTheReset) {
  OnServer(Write(*server_, "last words")).Detach();
  sim_.RunUntilIdle();
  server_->Abort();
  sim_.RunUntilIdle();

  const absl::StatusOr<std::string> words = sim_.Run(ReadText(*client_));
  const absl::StatusOr<std::string> error = sim_.Run(ReadText(*client_));
  const absl::StatusOr<std::string> again = sim_.Run(ReadText(*client_));

  EXPECT_EQ(words.value_or("lost"), "last words");
  EXPECT_EQ(ErrnoOf(error.status()), ECONNRESET);
  EXPECT_EQ(ErrnoOf(again.status()), ECONNRESET);
}

TEST_F(SimulatedStreamTest, DeliversWhatWasWrittenBeforeTheClose) {
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

TEST_F(SimulatedStreamTest, AnswersWithAResetWhatNobodyWillRead) {
  client_->Close();
  sim_.RunUntilIdle();

  const absl::Status first = sim_.Run(Write(*server_, "too late"));
  sim_.RunUntilIdle();
  const absl::Status second = sim_.Run(Write(*server_, "too late"));

  EXPECT_EQ(first, absl::OkStatus());  // Nobody knew.
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
}

TEST_F(SimulatedListenerTest, LeavesOutConnectsThatTheBacklogDoesNotHold) {
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

TEST_F(SimulatedListenerTest, ResetsWhomAListenerDidNotAccept) {
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

}  // namespace
}  // namespace weft::net::testing
