// Messages across Asio's channels: the plain one for one thread, the concurrent
// one for two.
//
// An operation of Asio never completes where it was begun, so each would cost a
// turn. What is written for speed tries first, and awaits only when it must.
//
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/asio/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

using Numbers = Channel<void(asio::error_code, std::int64_t)>;
using ConcurrentNumbers =
    ConcurrentChannel<void(asio::error_code, std::int64_t)>;

template <typename Numbers>
Awaitable<> SendMany(Numbers& channel, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (channel.try_send(asio::error_code(), i)) continue;
    co_await channel.async_send(asio::error_code(), i, kAwaited);
  }
}

template <typename Numbers>
Awaitable<> ReceiveMany(Numbers& channel, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t number = 0;
    const bool is_there = channel.try_receive(
        [&number](asio::error_code, std::int64_t sent) { number = sent; });
    if (!is_there) number = co_await channel.async_receive(kAwaited);
    benchmark::DoNotOptimize(number);
  }
}

template <typename Numbers>
void Pass(Workers& workers, std::int64_t pairs) {
  Numbers channel(workers.executor(), kCapacity);
  for (std::int64_t i = 0; i < pairs; ++i) {
    workers.Spawn(SendMany(channel, kMessages / pairs));
    workers.Spawn(ReceiveMany(channel, kMessages / pairs));
  }
  workers.Run();
}

void PassMessages(benchmark::State& state, std::int64_t pairs) {
  Workers workers(state);
  while (state.KeepRunningBatch(kMessages)) {
    if (state.range(0) == 1) {
      Pass<Numbers>(workers, pairs);
    } else {
      Pass<ConcurrentNumbers>(workers, pairs);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(PassMessages, of_one, 1)
    ->Name("sync/channel_1_1_1024/asio")
    ->Apply(OnWorkers);
BENCHMARK_CAPTURE(PassMessages, of_four, 4)
    ->Name("sync/channel_4_4_1024/asio")
    ->Apply(OnWorkers);

}  // namespace
}  // namespace weft::bench
