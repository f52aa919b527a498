// Coroutines of Asio that wake each other, and one that a thread wakes: by
// channels with room for one, which are the smallest wait that Asio has.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <thread>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/asio/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

using Baton = Channel<Wakes>;
using ConcurrentBaton = ConcurrentChannel<Wakes>;

// --- wake_round_trip --------------------------------------------------------

template <typename Baton>
Awaitable<> Answer(Baton& mine, Baton& theirs) {
  for (std::int64_t i = 0; i < kRoundTrips; ++i) {
    co_await mine.async_receive(kAwaited);
    Wake(theirs);
  }
}

template <typename Baton>
Awaitable<> Ask(Baton& theirs, Baton& mine) {
  for (std::int64_t i = 0; i < kRoundTrips; ++i) {
    Wake(theirs);
    co_await mine.async_receive(kAwaited);
  }
}

template <typename Baton>
void WakeEachOther(Workers& workers) {
  Baton ping(workers.executor(), 1);
  Baton pong(workers.executor(), 1);
  workers.Spawn(Answer(ping, pong));
  workers.Spawn(Ask(ping, pong));
  workers.Run();
}

void RoundTrip(benchmark::State& state) {
  Workers workers(state);
  while (state.KeepRunningBatch(kRoundTrips)) {
    if (state.range(0) == 1) {
      WakeEachOther<Baton>(workers);
    } else {
      WakeEachOther<ConcurrentBaton>(workers);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RoundTrip)->Name("runtime/wake_round_trip/asio")->Apply(OnWorkers);

// --- wake_sleeping ----------------------------------------------------------

struct Conversation {
  ConcurrentBaton question;
  // Written by the task, read by the thread.
  std::atomic<std::int64_t> answered{0};
  std::atomic<bool> over{false};
};

Awaitable<> AnswerThread(Conversation& conversation) {
  for (;;) {
    co_await conversation.question.async_receive(kAwaited);
    if (conversation.over.load()) co_return;
    // release: pairs with the acquire in AwaitAnswer.
    conversation.answered.fetch_add(1, std::memory_order_release);
  }
}

void WakeSleeping(benchmark::State& state) {
  Workers workers(1);
  Conversation conversation{.question{workers.executor(), 1}};
  workers.Spawn(AnswerThread(conversation));
  std::jthread worker([&workers] { workers.Run(); });
  std::int64_t before = 0;
  while (state.KeepRunning()) {
    LetTheLoopSleep();
    const Clock::time_point begin = Clock::now();
    Wake(conversation.question);
    AwaitAnswer(conversation.answered, before);
    state.SetIterationTime(Seconds(Clock::now() - begin).count());
    ++before;
  }
  conversation.over.store(true);
  Wake(conversation.question);
  worker.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WakeSleeping)
    ->Name("runtime/wake_sleeping/asio")
    ->Iterations(kWakes)
    ->Apply(ByHand);

}  // namespace
}  // namespace weft::bench
