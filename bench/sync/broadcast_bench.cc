// What does it cost to tell everybody?
//
//     broadcast_1_1      one receiver, for which there is always a value
//     broadcast_1_8      eight that wait for each value: one is a delivery,
//                        with its wake
//     broadcast_overrun  nobody reads: a send that overwrites the oldest
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/broadcast.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kDeliveries = 400'000;
constexpr std::int64_t kReceivers = 8;
constexpr std::size_t kRoom = 1024;

using Numbers = sync::Broadcast<std::int64_t>;

Task<absl::Status> SendAndReceive() {
  Numbers broadcast(kRoom);
  Numbers::Receiver receiver = broadcast.Subscribe();
  for (std::int64_t i = 0; i < kDeliveries; ++i) {
    co_await OrReturn(broadcast.Send(i));
    const std::int64_t number = co_await OrReturn(receiver.Receive());
    benchmark::DoNotOptimize(number);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveAll(Numbers::Receiver receiver) {
  for (;;) {
    const absl::StatusOr<std::int64_t> number = co_await receiver.Receive();
    if (absl::IsOutOfRange(number.status())) co_return absl::OkStatus();
    benchmark::DoNotOptimize(number);
  }
}

// The sender lets them run after each value, so that they wait for the next.
Task<absl::Status> TellAll() {
  Numbers broadcast(kRoom);
  std::vector<JoinHandle<absl::Status>> receivers;
  for (std::int64_t i = 0; i < kReceivers; ++i) {
    receivers.push_back(Spawn(ReceiveAll(broadcast.Subscribe())));
  }
  for (std::int64_t i = 0; i < kDeliveries / kReceivers; ++i) {
    co_await Yield();
    co_await OrReturn(broadcast.Send(i));
  }
  broadcast.Close();
  for (auto& receiver : receivers) co_await OrReturn(receiver.Join());
  co_return absl::OkStatus();
}

Task<absl::Status> Overrun() {
  Numbers broadcast(kRoom);
  const Numbers::Receiver idle = broadcast.Subscribe();
  for (std::int64_t i = 0; i < kDeliveries; ++i) {
    co_await OrReturn(broadcast.Send(i));
  }
  co_return absl::OkStatus();
}

void ToOne(benchmark::State& state) {
  Measure(state, kDeliveries, SendAndReceive);
}
BENCHMARK(ToOne)->Name("sync/broadcast_1_1/weft")->Apply(OnOneAndTwoWorkers);

void ToEight(benchmark::State& state) { Measure(state, kDeliveries, TellAll); }
BENCHMARK(ToEight)->Name("sync/broadcast_1_8/weft")->Apply(OnOneAndTwoWorkers);

void ToNobody(benchmark::State& state) { Measure(state, kDeliveries, Overrun); }
BENCHMARK(ToNobody)
    ->Name("sync/broadcast_overrun/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
