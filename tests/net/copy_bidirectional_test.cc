// Tests of copying both ways between two streams.
//
// SPDX-License-Identifier: MIT

#include "weft/net/copy_bidirectional.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/read_all.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::weft::testing::Simulator;

// client <-> [ middle of the left pair ; of the right one ] <-> server
template <typename Stream>
struct Between {
  Between(std::pair<Stream, Stream> left, std::pair<Stream, Stream> right)
      : client(std::move(left.first)),
        first(std::move(left.second)),
        second(std::move(right.first)),
        server(std::move(right.second)) {}

  Stream client;
  Stream first;
  Stream second;
  Stream server;
};

template <typename Stream>
Task<absl::Status> Say(Stream& stream, std::string text) {
  co_await OrReturn(WriteAll(stream, std::as_bytes(std::span(text))));
  co_return stream.ShutdownWrite();
}

// The server hears the end of what the client says before it answers.
template <typename Stream>
Task<absl::Status> AnswerWhenAllIsSaid(Stream& stream) {
  const std::string heard = co_await OrReturn(ReadAll(stream, 1'000'000));
  co_return co_await Say(stream, "you said: " + heard);
}

template <typename Stream>
Task<absl::Status> TalkThrough(Between<Stream>& between) {
  JoinHandle<absl::Status> server =
      Spawn(AnswerWhenAllIsSaid<Stream>, std::ref(between.server));
  JoinHandle<absl::StatusOr<CopiedBothWays>> copy =
      Spawn(CopyBidirectional(between.first, between.second));
  co_await OrReturn(Say(between.client, "hello"));
  const std::string heard =
      co_await OrReturn(ReadAll(between.client, 1'000'000));
  co_await OrReturn(server.Join());
  const CopiedBothWays copied = co_await OrReturn(copy.Join());
  EXPECT_EQ(heard, "you said: hello");
  EXPECT_EQ(copied.to_second, 5U);
  EXPECT_EQ(copied.to_first, 15U);
  co_return absl::OkStatus();
}

TEST(CopyBidirectionalTest, AnswersComeBackAfterTheEndOfTheQuestion) {
  Simulator sim;
  Between between(MakeMemoryPipe(), MakeMemoryPipe());

  EXPECT_EQ(sim.Run(TalkThrough(between)), absl::OkStatus());
}

Task<absl::Status> TalkThroughSockets() {
  TcpPair left = co_await OrReturn(ConnectPair());
  TcpPair right = co_await OrReturn(ConnectPair());
  std::pair from(std::move(left.client), std::move(left.server));
  std::pair to(std::move(right.client), std::move(right.server));
  Between between(std::move(from), std::move(to));
  co_return co_await TalkThrough(between);
}

TEST(CopyBidirectionalTest, GoesThroughTheKernelBetweenSockets) {
  Simulator sim;

  EXPECT_EQ(sim.Run(TalkThroughSockets()), absl::OkStatus());
}

TEST(CopyBidirectionalTest, AnErrorOfOneWayEndsTheOther) {
  Simulator sim;
  Between between(MakeMemoryPipe(), MakeMemoryPipe());
  between.server.Abort();

  const absl::StatusOr<CopiedBothWays> copied =
      sim.Run(CopyBidirectional(between.first, between.second));

  EXPECT_EQ(copied.status().code(), absl::StatusCode::kUnavailable);
}

TEST(CopyBidirectionalTest, CountsBothWaysAsItGoes) {
  Simulator sim;
  Between between(MakeMemoryPipe(), MakeMemoryPipe());
  Atomic<std::uint64_t> so_far{0};
  JoinHandle<absl::StatusOr<CopiedBothWays>> copy = sim.SpawnJoinable(
      CopyBidirectional(between.first, between.second, &so_far));

  EXPECT_EQ(sim.Run(Say(between.client, "123")), absl::OkStatus());
  EXPECT_EQ(sim.Run(Say(between.server, "45")), absl::OkStatus());
  sim.RunUntilIdle();

  EXPECT_EQ(so_far.load(), 5U);
  EXPECT_TRUE(copy.BlockingJoin().ok());
}

// A stream lives as long as those who use it.
Task<absl::Status> CopyInTheMiddle() {
  Between between(MakeMemoryPipe(), MakeMemoryPipe());
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(AnswerWhenAllIsSaid<MemoryStream>, std::ref(between.server));
    scope.Spawn(Say<MemoryStream>, std::ref(between.client), "hello");
    co_await OrReturn(CopyBidirectional(between.first, between.second));
    co_return absl::OkStatus();
  });
}

TEST(CopyBidirectionalTest, EndsWhereverItIsCancelled) {
  auto check = [](const absl::Status& ended,
                  const weft::testing::Interrupted&) {
    return ended.ok() || absl::IsCancelled(ended) ? absl::OkStatus() : ended;
  };

  const absl::StatusOr<int> places =
      weft::testing::CancelEverywhere({.seeds = 10}, CopyInTheMiddle, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 4);
}

}  // namespace
}  // namespace weft::net
