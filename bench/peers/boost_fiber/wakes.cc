// Fibers that wake each other, and one that a thread wakes.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <boost/fiber/all.hpp>
#include <cstdint>
#include <thread>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/boost_fiber/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

// A channel for two has room for one: the smallest wait in which a wake is not
// lost when it comes first.
class Baton {
 public:
  void Pass() { channel_.push(true); }
  void Take() {
    bool nothing = false;
    channel_.pop(nothing);
  }

 private:
  boost::fibers::buffered_channel<bool> channel_{2};
};

// --- wake_round_trip --------------------------------------------------------

void WakeEachOther() {
  Baton ping;
  Baton pong;
  boost::fibers::fiber other = Spawn([&ping, &pong] {
    for (std::int64_t i = 0; i < kRoundTrips; ++i) {
      ping.Take();
      pong.Pass();
    }
  });
  Spawn([&ping, &pong] {
    for (std::int64_t i = 0; i < kRoundTrips; ++i) {
      ping.Pass();
      pong.Take();
    }
  }).join();
  other.join();
}

void RoundTrip(benchmark::State& state) {
  while (state.KeepRunningBatch(kRoundTrips)) {
    RunOn(state.range(0), WakeEachOther);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RoundTrip)
    ->Name("runtime/wake_round_trip/boost_fiber")
    ->Apply(OnWorkers);

// --- wake_sleeping ----------------------------------------------------------

void WakeSleeping(benchmark::State& state) {
  Baton question;
  std::atomic<std::int64_t> answered{0};
  std::jthread worker([&question, &answered] {
    for (int i = 0; i < kWakes; ++i) {
      question.Take();
      // release: pairs with the acquire in AwaitAnswer.
      answered.fetch_add(1, std::memory_order_release);
    }
  });
  std::int64_t before = 0;
  while (state.KeepRunning()) {
    LetTheLoopSleep();
    const Clock::time_point begin = Clock::now();
    question.Pass();
    AwaitAnswer(answered, before);
    state.SetIterationTime(Seconds(Clock::now() - begin).count());
    ++before;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WakeSleeping)
    ->Name("runtime/wake_sleeping/boost_fiber")
    ->Iterations(kWakes)
    ->Apply(ByHand);

}  // namespace
}  // namespace weft::bench
