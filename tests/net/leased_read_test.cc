// Tests of reading into a leased buffer: what is given, and when a buffer is
// held. What every stream socket does with one is in
// conformance/socket_conformance.h.
//
// SPDX-License-Identifier: MIT

#include "weft/net/leased_read.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/buffered_writer.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/one_buffer.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

static_assert(LeasingSource<TcpStream>);
static_assert(LeasingSource<TcpStream::ReadHalf>);
static_assert(LeasingSource<TcpStream&>);
static_assert(!LeasingSource<MemoryStream>);

TEST(LeasedReadTest, ReadsFromAStreamThatDoesNotLease) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("hello")));
    client.Close();

    const std::string text = co_await OrReturn(ReadOnce(server));
    const std::string end = co_await OrReturn(ReadOnce(server));

    EXPECT_EQ(text, "hello");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(LeasedReadTest, LetsAnIdleBufferedReaderHoldNoBuffer) {
  std::optional<TcpPair> pair;
  std::vector<std::string> got;
  testing::Simulator sim;
  const auto connect = [&pair]() -> Task<absl::Status> {
    pair.emplace(co_await OrReturn(ConnectPair()));
    co_return absl::OkStatus();
  };
  ASSERT_EQ(sim.Run(connect()), absl::OkStatus());
  const OneBuffer buffer;
  auto reading = sim.SpawnJoinable(ReadLines<TcpStream>, std::ref(pair->server),
                                   std::ref(got));

  sim.RunUntilIdle();
  const bool before = buffer.is_leased();
  ASSERT_EQ(sim.Run(WriteAll(pair->client, Bytes("li"))), absl::OkStatus());
  sim.RunUntilIdle();
  const bool in_the_middle = buffer.is_leased();
  ASSERT_EQ(sim.Run(WriteAll(pair->client, Bytes("ne\n"))), absl::OkStatus());
  sim.RunUntilIdle();
  const bool afterwards = buffer.is_leased();
  pair->client.Close();
  sim.RunUntilIdle();

  EXPECT_FALSE(before);
  EXPECT_TRUE(in_the_middle);
  EXPECT_FALSE(afterwards);
  EXPECT_EQ(got, std::vector<std::string>{"line"});
  ASSERT_TRUE(reading.finished());
  EXPECT_EQ(reading.BlockingJoin().code(), absl::StatusCode::kOutOfRange);
  pair.reset();
}

TEST(LeasedReadTest, LetsAFlushedWriterHoldNoBuffer) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    const OneBuffer buffer;
    BufferedWriter writer(client);

    co_await OrReturn(writer.Write("hello"));
    const bool with_bytes = buffer.is_leased();
    co_await OrReturn(writer.Flush());

    EXPECT_TRUE(with_bytes);
    EXPECT_FALSE(buffer.is_leased());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(LeasedReadTest, LosesNoByteToACancellation) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());

    const absl::StatusOr<std::string> late =
        co_await WithTimeout(absl::Seconds(1), ReadOnce(pair.server));
    co_await OrReturn(pair.client.WriteAll(Bytes("all of it")));
    const std::string text = co_await OrReturn(ReadOnce(pair.server));

    EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(text, "all of it");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(LeasedReadTest, ReadsThroughAHalfToo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    auto [read, write] = std::move(pair.server).Split();
    co_await OrReturn(pair.client.WriteAll(Bytes("half")));

    const std::string text = co_await OrReturn(ReadOnce(read));

    EXPECT_EQ(text, "half");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
