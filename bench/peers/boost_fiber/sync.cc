// The mutex and the channel of Boost.Fiber.
//
// A channel has room for one less than it is made for, and is made for a power
// of two: 1023 messages.
//
// SPDX-License-Identifier: MIT

#include <boost/fiber/all.hpp>
#include <cstdint>
#include <mutex>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/boost_fiber/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

// --- mutex_free, mutex_contended8 -------------------------------------------

void LockAlone() {
  boost::fibers::mutex mutex;
  std::int64_t counter = 0;
  for (std::int64_t i = 0; i < kLocks; ++i) {
    const std::lock_guard guard(mutex);
    ++counter;
  }
  Must(counter == kLocks, "a lock was not counted");
}

void LockBeside() {
  constexpr std::int64_t kTasks = 8;
  boost::fibers::mutex mutex;
  std::int64_t counter = 0;
  std::vector<boost::fibers::fiber> fibers;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    fibers.push_back(Spawn([&mutex, &counter] {
      for (std::int64_t i = 0; i < kLocks / kTasks; ++i) {
        const std::lock_guard guard(mutex);
        boost::this_fiber::yield();
        ++counter;
      }
    }));
  }
  JoinAll(fibers);
  Must(counter == kLocks, "a mutex let two in");
}

void Locks(benchmark::State& state, void (*lock)()) {
  while (state.KeepRunningBatch(kLocks)) RunOn(state.range(0), lock);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Locks, free, LockAlone)
    ->Name("sync/mutex_free/boost_fiber")
    ->Apply(OnWorkers);
BENCHMARK_CAPTURE(Locks, contended, LockBeside)
    ->Name("sync/mutex_contended8/boost_fiber")
    ->Apply(OnWorkers);

// --- channel_1_1_1024, channel_4_4_1024 -------------------------------------

void Pass(std::int64_t pairs) {
  boost::fibers::buffered_channel<std::int64_t> channel(kCapacity);
  std::vector<boost::fibers::fiber> fibers;
  for (std::int64_t i = 0; i < pairs; ++i) {
    fibers.push_back(Spawn([&channel, count = kMessages / pairs] {
      for (std::int64_t i = 0; i < count; ++i) channel.push(i);
    }));
    fibers.push_back(Spawn([&channel, count = kMessages / pairs] {
      std::int64_t number = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        channel.pop(number);
        benchmark::DoNotOptimize(number);
      }
    }));
  }
  JoinAll(fibers);
}

void PassMessages(benchmark::State& state, std::int64_t pairs) {
  while (state.KeepRunningBatch(kMessages)) {
    RunOn(state.range(0), [pairs] { Pass(pairs); });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(PassMessages, of_one, 1)
    ->Name("sync/channel_1_1_1024/boost_fiber")
    ->Apply(OnWorkers);
BENCHMARK_CAPTURE(PassMessages, of_four, 4)
    ->Name("sync/channel_4_4_1024/boost_fiber")
    ->Apply(OnWorkers);

}  // namespace
}  // namespace weft::bench
