// What does a message cost where the sender never waits?
//
//     unbounded_channel_1_1   one sender, which yields now and then so that the
//                             queue stays short, and one receiver
//     channel_receive_many    a bounded channel, emptied a hundred at a time
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/unbounded_channel.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kMessages = 400'000;
constexpr std::int64_t kInARow = 1'000;
constexpr std::size_t kAtATime = 100;

Task<absl::Status> SendUnbounded(
    sync::UnboundedChannel<std::int64_t>& channel) {
  for (std::int64_t i = 0; i < kMessages; ++i) {
    co_await OrReturn(channel.Send(i));
    if (i % kInARow == 0) co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PassUnbounded() {
  sync::UnboundedChannel<std::int64_t> channel;
  JoinHandle<absl::Status> sender = Spawn(SendUnbounded, std::ref(channel));
  for (std::int64_t i = 0; i < kMessages; ++i) {
    const std::int64_t number = co_await OrReturn(channel.Receive());
    benchmark::DoNotOptimize(number);
  }
  co_return co_await sender.Join();
}

Task<absl::Status> SendBounded(sync::Channel<std::int64_t>& channel) {
  for (std::int64_t i = 0; i < kMessages; ++i) {
    co_await OrReturn(channel.Send(i));
  }
  channel.Close();
  co_return absl::OkStatus();
}

Task<absl::Status> PassInBatches() {
  sync::Channel<std::int64_t> channel(1024);
  JoinHandle<absl::Status> sender = Spawn(SendBounded, std::ref(channel));
  std::vector<std::int64_t> numbers;
  while ((co_await channel.ReceiveMany(numbers, kAtATime)).ok()) {
    benchmark::DoNotOptimize(numbers.data());
    numbers.clear();
  }
  co_return co_await sender.Join();
}

void Unbounded(benchmark::State& state) {
  Measure(state, kMessages, PassUnbounded);
}
BENCHMARK(Unbounded)
    ->Name("sync/unbounded_channel_1_1/weft")
    ->Apply(OnOneAndTwoWorkers);

void ReceiveMany(benchmark::State& state) {
  Measure(state, kMessages, PassInBatches);
}
BENCHMARK(ReceiveMany)
    ->Name("sync/channel_receive_many/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
