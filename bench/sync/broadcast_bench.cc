// What does it cost to tell everybody?
//
//     broadcast_1_1      one receiver, for which there is always a value
//     broadcast_1_8      eight that wait for each value: one is a delivery,
//                        with its wake
//     broadcast1to4      four, and 100,000 numbers; capacity 1024. Who sends
//                        does not wait, and who lags behind misses something;
//                        so the sender is paced: a receiver adds a permit to a
//                        semaphore, which begins with none, for each 256 that
//                        it has, and the sender takes four for each 256 that it
//                        has sent. One is a delivery; one that is missed is an
//                        error. The question for the peers.
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
#include "weft/sync/semaphore.h"

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

constexpr std::int64_t kNumbers = 100'000;
constexpr std::int64_t kPacedReceivers = 4;
constexpr std::int64_t kPace = 256;

Task<absl::Status> ReceivePaced(Numbers::Receiver receiver,
                                sync::Semaphore& received) {
  for (std::int64_t count = 1; count <= kNumbers; ++count) {
    const std::int64_t number = co_await OrReturn(receiver.Receive());
    if (number != count) co_return absl::DataLossError("one is missed");
    if (count % kPace == 0) received.Release();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SendPaced() {
  Numbers broadcast(kRoom);
  sync::Semaphore received(0);
  std::vector<JoinHandle<absl::Status>> receivers;
  for (std::int64_t i = 0; i < kPacedReceivers; ++i) {
    receivers.push_back(
        Spawn(ReceivePaced, broadcast.Subscribe(), std::ref(received)));
  }
  for (std::int64_t number = 1; number <= kNumbers; ++number) {
    co_await OrReturn(broadcast.Send(number));
    if (number % kPace != 0) continue;
    sync::Semaphore::Permit all =
        co_await OrReturn(received.Acquire(kPacedReceivers));
    all.Forget();
  }
  for (auto& receiver : receivers) co_await OrReturn(receiver.Join());
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

void BroadcastPaced(benchmark::State& state) {
  Measure(state, kNumbers * kPacedReceivers, SendPaced);
}
BENCHMARK(BroadcastPaced)
    ->Name("sync/broadcast1to4/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
