// How fast do messages cross a channel?
//
//     channel_1_1_1024   one sender, one receiver. With room for many they run
//                        ahead of each other, and few messages cost a switch.
//     channel_4_4_1024   four of each.
//     channel_ping_pong  two channels of capacity 1, one message to and fro:
//                        each costs a switch. One is a round trip.
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kMessages = 400'000;
constexpr std::size_t kRoom = 1024;

using Numbers = sync::Channel<std::int64_t>;

Task<absl::Status> SendMany(Numbers& channel, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) co_await OrReturn(channel.Send(i));
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveMany(Numbers& channel, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t number = co_await OrReturn(channel.Receive());
    benchmark::DoNotOptimize(number);
  }
  co_return absl::OkStatus();
}

// As many senders as receivers.
Task<absl::Status> SendToEachOther(std::int64_t pairs) {
  Numbers channel(kRoom);
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < pairs; ++i) {
    handles.push_back(Spawn(SendMany, std::ref(channel), kMessages / pairs));
  }
  for (std::int64_t i = 0; i < pairs; ++i) {
    handles.push_back(Spawn(ReceiveMany, std::ref(channel), kMessages / pairs));
  }
  for (auto& handle : handles) co_await OrReturn(handle.Join());
  co_return absl::OkStatus();
}

Task<absl::Status> Return(Numbers& balls, Numbers& returns,
                          std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t ball = co_await OrReturn(balls.Receive());
    co_await OrReturn(returns.Send(ball));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PlayPingPong() {
  Numbers balls(1);
  Numbers returns(1);
  JoinHandle<absl::Status> opponent =
      Spawn(Return, std::ref(balls), std::ref(returns), kMessages);
  for (std::int64_t i = 0; i < kMessages; ++i) {
    co_await OrReturn(balls.Send(i));
    co_await OrReturn(returns.Receive());
  }
  co_return co_await opponent.Join();
}

void OneToOne(benchmark::State& state) {
  Measure(state, kMessages, [] { return SendToEachOther(1); });
}
BENCHMARK(OneToOne)
    ->Name("sync/channel_1_1_1024/weft")
    ->Apply(OnOneAndTwoWorkers);

void FourToFour(benchmark::State& state) {
  Measure(state, kMessages, [] { return SendToEachOther(4); });
}
BENCHMARK(FourToFour)
    ->Name("sync/channel_4_4_1024/weft")
    ->Apply(OnOneAndTwoWorkers);

void PingPong(benchmark::State& state) {
  Measure(state, kMessages, PlayPingPong);
}
BENCHMARK(PingPong)
    ->Name("sync/channel_ping_pong/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
