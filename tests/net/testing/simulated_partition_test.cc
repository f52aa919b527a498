// Tests of partitions: what they keep from being made, and what they do to what
// is there.
//
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/spawn.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/testing/two_hosts.h"

namespace weft::net::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Lt;
using ::weft::reactor::ErrnoOf;

class SimulatedPartitionTest : public TwoHosts {};
class PartitionedConnectionTest : public ConnectedHosts {};

TEST_F(SimulatedPartitionTest, LeavesAConnectAcrossAPartitionWithoutAnAnswer) {
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

TEST_F(SimulatedPartitionTest, GivesUpAConnectAfterTwoMinutes) {
  network_.Partition(kServer, kClient);
  const Instant start = sim_.now();

  const absl::Status status = sim_.Run(network_.OnHost(kClient, Connect()));

  EXPECT_EQ(ErrnoOf(status), ETIMEDOUT);
  EXPECT_EQ(sim_.now() - start, absl::Seconds(127));
}

TEST_F(SimulatedPartitionTest, ConnectsOnceThePartitionIsHealed) {
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

// --- Of one way -------------------------------------------------------------

TEST_F(PartitionedConnectionTest, OfOneWayLetsWhatGoesTheOtherWayThrough) {
  network_.PartitionOneWay(kServer, kClient);
  JoinHandle<absl::StatusOr<absl::Duration>> there =
      OnServer(TimeToRead(*server_, "there"));
  JoinHandle<absl::StatusOr<std::string>> back = OnClient(ReadText(*client_));
  OnClient(Write(*client_, "there")).Detach();
  OnServer(Write(*server_, "back")).Detach();
  sim_.RunFor(absl::Minutes(1));
  const bool back_too_early = back.finished();

  network_.Heal(kServer, kClient);
  sim_.RunUntilIdle();

  ASSERT_TRUE(there.finished());
  EXPECT_EQ(there.BlockingJoin().value(), kLatency);
  EXPECT_FALSE(back_too_early);
  ASSERT_TRUE(back.finished());
  EXPECT_EQ(back.BlockingJoin().value_or("nothing"), "back");
}

// It arrives, and its sender never hears of that.
TEST_F(PartitionedConnectionTest, OfOneWayEndsWhatIsNotAcknowledged) {
  network_.PartitionOneWay(kServer, kClient);
  JoinHandle<absl::StatusOr<std::string>> there = OnServer(ReadText(*server_));
  JoinHandle<absl::StatusOr<std::string>> back = OnClient(ReadText(*client_));
  OnClient(Write(*client_, "there")).Detach();

  sim_.RunFor(absl::Minutes(16));

  ASSERT_TRUE(there.finished());
  EXPECT_EQ(there.BlockingJoin().value_or("nothing"), "there");
  ASSERT_TRUE(back.finished());
  EXPECT_EQ(ErrnoOf(back.BlockingJoin().status()), ETIMEDOUT);
}

TEST_F(SimulatedPartitionTest, OfTheWayBackLeavesAConnectWithoutAnAnswer) {
  std::optional<TcpStream> server;
  OnServer(AcceptInto(server)).Detach();
  network_.PartitionOneWay(kServer, kClient);
  JoinHandle<absl::Status> connecting = OnClient(Connect());
  sim_.RunFor(absl::Seconds(10));
  ASSERT_FALSE(connecting.finished());

  network_.Heal(kServer, kClient);
  sim_.RunFor(absl::Seconds(10));

  ASSERT_TRUE(connecting.finished());
  EXPECT_EQ(connecting.BlockingJoin(), absl::OkStatus());
}

// --- Of both ----------------------------------------------------------------

TEST_F(PartitionedConnectionTest,
       KeepsWhatIsSentAcrossAPartitionUntilItIsHealed) {
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
TEST_F(PartitionedConnectionTest, KeepsBytesInOrderThroughPartitions) {
  network_.SetLinks({.latency = kLatency,
                     .jitter = absl::Milliseconds(7),
                     .bytes_per_second = 1'000'000});
  const std::vector<std::byte> sent = Pattern(1 << 20);
  OnClient(WriteAllThenEnd(*client_, sent)).Detach();
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

TEST_F(PartitionedConnectionTest,
       GivesUpWhatIsNotAcknowledgedForAQuarterOfAnHour) {
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

TEST_F(PartitionedConnectionTest, LetsTheClockRestWhereNothingIsUnderWay) {
  OnClient(Write(*client_, "noted")).Detach();
  sim_.RunUntilIdle();
  network_.Partition(kServer, kClient);
  const Instant start = sim_.now();

  sim_.RunUntilIdle();

  EXPECT_EQ(sim_.now(), start);
}

}  // namespace
}  // namespace weft::net::testing
