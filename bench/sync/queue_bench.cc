// What does it cost that a queue knows what is not done?
//
//     queue_1_4_1024           one producer, four workers, and a join
//     queue_uncounted          the same through a Channel, which nobody joins:
//                              the difference is the price of counting
//     priority_queue_1_4_1024  counted, with the smallest first
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
#include "weft/sync/channel.h"
#include "weft/sync/queue.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kItems = 400'000;
constexpr std::size_t kRoom = 1024;
constexpr int kWorkers = 4;

template <typename Items>
Task<absl::Status> Work(Items& queue) {
  for (;;) {
    const absl::StatusOr<std::int64_t> item = co_await queue.Get();
    if (!item.ok()) co_return absl::OkStatus();
    benchmark::DoNotOptimize(*item);
    queue.TaskDone();
  }
}

// The ranks go up and down, so that a heap has something to do.
template <typename Items>
Task<absl::Status> PutAndJoin() {
  Items queue(kRoom);
  std::vector<JoinHandle<absl::Status>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(Spawn(Work<Items>, std::ref(queue)));
  }
  for (std::int64_t i = 0; i < kItems; ++i) {
    co_await OrReturn(queue.Put(i * 7919 % 1009));
  }
  co_await OrReturn(queue.Join());
  queue.Close();
  for (auto& worker : workers) co_await OrReturn(worker.Join());
  co_return absl::OkStatus();
}

using Uncounted = sync::Channel<std::int64_t>;

Task<absl::Status> Receive(Uncounted& channel) {
  for (;;) {
    const absl::StatusOr<std::int64_t> item = co_await channel.Receive();
    if (!item.ok()) co_return absl::OkStatus();
    benchmark::DoNotOptimize(*item);
  }
}

Task<absl::Status> SendAndClose() {
  Uncounted channel(kRoom);
  std::vector<JoinHandle<absl::Status>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(Spawn(Receive, std::ref(channel)));
  }
  for (std::int64_t i = 0; i < kItems; ++i) {
    co_await OrReturn(channel.Send(i * 7919 % 1009));
  }
  channel.Close();
  for (auto& worker : workers) co_await OrReturn(worker.Join());
  co_return absl::OkStatus();
}

void OldestFirst(benchmark::State& state) {
  Measure(state, kItems, PutAndJoin<sync::Queue<std::int64_t>>);
}
BENCHMARK(OldestFirst)
    ->Name("sync/queue_1_4_1024/weft")
    ->Apply(OnOneAndTwoWorkers);

void WithoutCounting(benchmark::State& state) {
  Measure(state, kItems, SendAndClose);
}
BENCHMARK(WithoutCounting)
    ->Name("sync/queue_uncounted/weft")
    ->Apply(OnOneAndTwoWorkers);

void SmallestFirst(benchmark::State& state) {
  Measure(state, kItems, PutAndJoin<sync::PriorityQueue<std::int64_t>>);
}
BENCHMARK(SmallestFirst)
    ->Name("sync/priority_queue_1_4_1024/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
