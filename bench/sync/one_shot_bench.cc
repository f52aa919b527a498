// What does a reply cost: two ends made, one value sent, and received?
//
//     one_shot_ready  it is there when it is asked for
//     one_shot_reply  another task sends it, and the asker waits: a wake each
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/one_shot.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kReplies = 200'000;

Task<absl::Status> ReceiveWhatIsThere() {
  for (std::int64_t i = 0; i < kReplies; ++i) {
    auto [sender, receiver] = sync::MakeOneShot<std::int64_t>();
    sender.Send(i);
    const std::int64_t reply = co_await OrReturn(receiver.Receive());
    benchmark::DoNotOptimize(reply);
  }
  co_return absl::OkStatus();
}

using Requests = sync::Channel<sync::OneShotSender<std::int64_t>>;

Task<absl::Status> Answer(Requests& requests) {
  for (std::int64_t i = 0; i < kReplies; ++i) {
    sync::OneShotSender<std::int64_t> reply =
        co_await OrReturn(requests.Receive());
    reply.Send(i);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Ask() {
  Requests requests(1);
  JoinHandle<absl::Status> server = Spawn(Answer, std::ref(requests));
  for (std::int64_t i = 0; i < kReplies; ++i) {
    auto [sender, receiver] = sync::MakeOneShot<std::int64_t>();
    co_await OrReturn(requests.Send(std::move(sender)));
    const std::int64_t reply = co_await OrReturn(receiver.Receive());
    benchmark::DoNotOptimize(reply);
  }
  co_return co_await server.Join();
}

void OneShotReady(benchmark::State& state) {
  Measure(state, kReplies, ReceiveWhatIsThere);
}
BENCHMARK(OneShotReady)
    ->Name("sync/one_shot_ready/weft")
    ->Apply(OnOneAndTwoWorkers);

void OneShotReply(benchmark::State& state) { Measure(state, kReplies, Ask); }
BENCHMARK(OneShotReply)
    ->Name("sync/one_shot_reply/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
