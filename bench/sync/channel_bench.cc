// How fast do messages cross a channel?
//
//     channel            senders on one side, receivers on the other. With room
//                        for many they run ahead of each other, and few
//                        messages cost a switch.
//     channel_ping_pong  two channels of capacity 1, one message to and fro:
//                        each costs a switch. One is a round trip.
//
// Arg 0: workers. Of `channel` besides 1: senders, 2: receivers, 3: capacity.
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
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kMessages = 400'000;

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

struct Parties {
  std::int64_t senders;
  std::int64_t receivers;
  std::int64_t capacity;
};

Task<absl::Status> SendToEachOther(Parties parties) {
  Numbers channel(static_cast<std::size_t>(parties.capacity));
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::int64_t i = 0; i < parties.senders; ++i) {
    handles.push_back(
        Spawn(SendMany, std::ref(channel), kMessages / parties.senders));
  }
  for (std::int64_t i = 0; i < parties.receivers; ++i) {
    handles.push_back(
        Spawn(ReceiveMany, std::ref(channel), kMessages / parties.receivers));
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

void PassMessages(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  const Parties parties{.senders = state.range(1),
                        .receivers = state.range(2),
                        .capacity = state.range(3)};
  while (state.KeepRunningBatch(kMessages)) {
    MustBeOk(runtime.BlockOn(SendToEachOther(parties)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PassMessages)
    ->Name("sync/channel/weft")
    ->Args({1, 1, 1, 1024})
    ->Args({2, 1, 1, 1024})
    ->Args({1, 4, 4, 1024})
    ->Args({2, 4, 4, 1024})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void PingPong(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kMessages)) {
    MustBeOk(runtime.BlockOn(PlayPingPong()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PingPong)
    ->Name("sync/channel_ping_pong/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
