// Tests of streams in memory: their capacity, and the faults. What they have in
// common with sockets is in conformance/memory_conformance_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/net/memory_stream.h"

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

constexpr auto kClosed = absl::StatusCode::kFailedPrecondition;
constexpr auto kGone = absl::StatusCode::kUnavailable;

TEST(MemoryStreamTest, HoldsNoMoreThanItsCapacity) {
  testing::Simulator sim;
  auto [client, server] = MakeMemoryPipe(/*capacity=*/10);
  JoinHandle<absl::Status> writer = sim.SpawnJoinable(
      WriteAll<MemoryStream>, std::ref(client), Bytes("0123456789abcdef"));

  sim.RunUntilIdle();
  const bool waits = !writer.finished();
  const absl::StatusOr<std::string> first = sim.Run(ReadText(server));
  sim.RunUntilIdle();
  const absl::StatusOr<std::string> second = sim.Run(ReadText(server));

  EXPECT_TRUE(waits);
  EXPECT_EQ(first.value_or("nothing"), "0123456789");
  EXPECT_TRUE(writer.finished());
  EXPECT_EQ(second.value_or("nothing"), "abcdef");
}

Task<absl::Status> WriteAllThenEnd(MemoryStream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(WriteAll(stream, bytes));
  co_return stream.ShutdownWrite();
}

// Around the end of the ring at every place there is.
TEST(MemoryStreamTest, KeepsTheOrderOfTheBytesForEveryCapacity) {
  const std::vector<std::byte> bytes = Pattern(5000);
  for (std::size_t capacity = 0; capacity <= 40; ++capacity) {
    testing::Simulator sim(/*seed=*/capacity);
    auto [client, server] = MakeMemoryPipe(capacity);

    sim.Spawn(WriteAllThenEnd(client, bytes));
    const absl::StatusOr<std::vector<std::byte>> got = sim.Run(ReadAll(server));

    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_TRUE(*got == bytes) << "with room for " << capacity;
  }
}

TEST(MemoryStreamTest, WritesSeveralPiecesAsOneAndAsManyAsFit) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe(/*capacity=*/8);
    const std::array parts = {Bytes("one, "), Bytes(""), Bytes("two, "),
                              Bytes("three")};

    const std::size_t written = co_await OrReturn(client.WriteVectored(parts));
    const std::string text = co_await OrReturn(ReadText(server));

    EXPECT_EQ(written, 8u);
    EXPECT_EQ(text, "one, two");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MemoryStreamTest, MovesNothingWithoutWaiting) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe(/*capacity=*/1);
    co_await OrReturn(WriteAll(client, Bytes("x")));

    const std::size_t written = co_await OrReturn(client.Write({}));
    const std::size_t read = co_await OrReturn(client.Read({}));

    EXPECT_EQ(written, 0u);
    EXPECT_EQ(read, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- How it ends ------------------------------------------------------------

TEST(MemoryStreamTest, LetsTheOtherEndReadWhatWasWrittenBeforeTheClose) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("last words")));
    client.Close();
    client.Close();

    const std::string text = co_await OrReturn(ReadText(server));
    const std::string end = co_await OrReturn(ReadText(server));
    const absl::Status written = co_await WriteAll(server, Bytes("hello?"));

    EXPECT_EQ(text, "last words");
    EXPECT_EQ(end, "");
    EXPECT_EQ(written.code(), kGone);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> FillUp(MemoryStream& stream) {
  for (;;) co_await OrReturn(WriteAll(stream, Bytes("more and more and more")));
}

TEST(MemoryStreamTest, TellsItsWaitersThatItsOwnerHasClosedIt) {
  testing::Simulator sim;
  auto [client, server] = MakeMemoryPipe();
  auto reader = sim.SpawnJoinable(ReadText<MemoryStream>, std::ref(client));
  auto writer = sim.SpawnJoinable(FillUp, std::ref(client));
  sim.RunUntilIdle();
  ASSERT_FALSE(reader.finished() || writer.finished());

  client.Close();
  sim.RunUntilIdle();

  ASSERT_TRUE(reader.finished() && writer.finished());
  EXPECT_EQ(reader.BlockingJoin().status().code(), kClosed);
  EXPECT_EQ(writer.BlockingJoin().code(), kClosed);
  EXPECT_EQ(client.ShutdownWrite().code(), kClosed);
}

TEST(MemoryStreamTest, ResetsTheOtherEndWhenItIsAborted) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("never read")));

    client.Abort();
    const absl::StatusOr<std::string> read = co_await ReadText(server);
    const absl::Status written = co_await WriteAll(server, Bytes("x"));
    const absl::StatusOr<std::string> own = co_await ReadText(client);

    EXPECT_EQ(read.status().code(), kGone);
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("reset"));
    EXPECT_EQ(written.code(), kGone);
    EXPECT_EQ(own.status().code(), kClosed);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MemoryStreamTest, OutlivesATaskThatWaitsWhenTheSimulationEnds) {
  auto [client, server] = MakeMemoryPipe();
  {
    testing::Simulator sim;
    sim.Spawn(ReadText<MemoryStream>, std::ref(server));
    sim.RunUntilIdle();
  }
  testing::Simulator sim;

  const absl::Status written = sim.Run(WriteAll(client, Bytes("anew")));
  const absl::StatusOr<std::string> text = sim.Run(ReadText(server));

  EXPECT_EQ(written, absl::OkStatus());
  EXPECT_EQ(text.value_or("nothing"), "anew");
}

// --- Cancellation -----------------------------------------------------------

Task<absl::StatusOr<std::size_t>> WriteOnce(MemoryStream& stream,
                                            std::span<const std::byte> from) {
  co_return co_await stream.Write(from);
}

// Writer, reader and canceller in any order: either all of a write has arrived,
// or it was cancelled and none has.
TEST(MemoryStreamTest, WritesAllOrNothingOfAWriteThatIsCancelled) {
  int cancelled = 0, written = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    testing::Simulator sim(seed);
    auto [client, server] = MakeMemoryPipe(/*capacity=*/4);
    ASSERT_EQ(sim.Run(WriteAll(client, Bytes("full"))), absl::OkStatus());
    auto writer = sim.SpawnJoinable(WriteOnce, std::ref(client), Bytes("more"));
    auto reader = sim.SpawnJoinable(ReadText<MemoryStream>, std::ref(server));
    sim.Spawn([](JoinHandle<absl::StatusOr<std::size_t>>& handle)
                  -> Task<absl::Status> {
      handle.Cancel();
      co_return absl::OkStatus();
    }(writer));

    sim.RunUntilIdle();
    client.Close();
    const absl::StatusOr<std::string> rest = sim.Run(ReadText(server));

    ASSERT_TRUE(writer.finished() && reader.finished());
    const absl::StatusOr<std::size_t> result = writer.BlockingJoin();
    const absl::StatusOr<std::string> first = reader.BlockingJoin();
    ASSERT_TRUE(first.ok() && rest.ok());
    if (absl::IsCancelled(result.status())) {
      EXPECT_EQ(*first + *rest, "full");
      ++cancelled;
    } else {
      EXPECT_EQ(result.value_or(0), 4u);
      EXPECT_EQ(*first + *rest, "fullmore");
      ++written;
    }
  }
  EXPECT_GT(cancelled, 0);
  EXPECT_GT(written, 0);
}

// --- Faults -----------------------------------------------------------------

TEST(MemoryStreamTest, ReadsAndWritesAsLittleAsItIsToldTo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    server.SetLargestRead(1);
    client.SetLargestWrite(3);
    const std::array parts = {Bytes("ab"), Bytes("cd")};

    const std::size_t written = co_await OrReturn(client.WriteVectored(parts));
    const std::string first = co_await OrReturn(ReadText(server));
    const std::string second = co_await OrReturn(ReadText(server));

    EXPECT_EQ(written, 3u);
    EXPECT_EQ(first, "a");
    EXPECT_EQ(second, "b");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MemoryStreamTest, FailsReadsAfterSoManyBytes) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    server.FailReadsAfter(4, absl::DataLossError("pulled the plug"));
    co_await OrReturn(WriteAll(client, Bytes("0123456789")));
    std::array<std::byte, 10> buffer;

    const absl::StatusOr<std::size_t> some = co_await server.Read(buffer);
    const absl::StatusOr<std::size_t> none = co_await server.Read(buffer);
    const absl::StatusOr<std::size_t> again = co_await server.Read(buffer);

    EXPECT_EQ(some.value_or(0), 4u);
    EXPECT_EQ(none.status(), absl::DataLossError("pulled the plug"));
    EXPECT_EQ(again.status(), absl::DataLossError("pulled the plug"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MemoryStreamTest, FailsWritesAfterSoManyBytes) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    client.FailWritesAfter(4, absl::UnavailableError("pulled the plug"));

    const absl::Status written = co_await WriteAll(client, Bytes("0123456789"));
    const std::string text = co_await OrReturn(ReadText(server));

    EXPECT_EQ(written, absl::UnavailableError("pulled the plug"));
    EXPECT_EQ(text, "0123");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(MemoryStreamTest, FailsAReadThatWaits) {
  testing::Simulator sim;
  auto [client, server] = MakeMemoryPipe();
  auto reader = sim.SpawnJoinable(ReadText<MemoryStream>, std::ref(server));
  sim.RunUntilIdle();

  server.FailReadsAfter(0, absl::InternalError("now"));
  sim.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), absl::InternalError("now"));
}

}  // namespace
}  // namespace weft::net
