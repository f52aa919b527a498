// How long does it take to wake a task, and to be woken by it?
//
//     wake_round_trip  two tasks of one runtime that wake each other. Arg 0:
//                      workers. With two the question is whether the pair stays
//                      on one of them.
//     wake_sleeping    a plain thread wakes a task whose worker is asleep, and
//                      looks at an atomic until the task has answered
//     wake_busy        the same, the next wake right after the answer: the
//                      worker has had no time to fall asleep
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/baton.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/round_trip.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

void RoundTrip(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kRoundTrips)) {
    MustBeOk(runtime.BlockOn(WakeEachOther(kRoundTrips)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(RoundTrip)
    ->Name("runtime/wake_round_trip/weft")
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- From a plain thread ----------------------------------------------------

struct Conversation {
  Baton question;
  // Written by the task, read by the thread.
  std::atomic<std::int64_t> answered{0};
  std::atomic<bool> over{false};
};

Task<> AnswerThread(Conversation& conversation) {
  for (;;) {
    co_await conversation.question.Take();
    // relaxed: the baton orders it.
    if (conversation.over.load(std::memory_order_relaxed)) co_return;
    // release: pairs with the acquire in Ask.
    conversation.answered.fetch_add(1, std::memory_order_release);
  }
}

template <typename BeforeLook>
void Ask(Conversation& conversation, BeforeLook before_look) {
  const std::int64_t before =
      conversation.answered.load(std::memory_order_relaxed);
  conversation.question.Pass();
  // acquire: pairs with the release in AnswerThread.
  while (conversation.answered.load(std::memory_order_acquire) == before) {
    before_look();
  }
}

// Long enough for a worker to give up looking for work and to fall asleep.
void LetTheWorkerSleep() {
  constexpr std::chrono::microseconds kLongerThanAnySpin{500};
  const auto until = std::chrono::steady_clock::now() + kLongerThanAnySpin;
  while (std::chrono::steady_clock::now() < until) {
  }
}

template <typename BeforeEach, typename BeforeLook>
void AskOften(benchmark::State& state, BeforeEach before_each,
              BeforeLook before_look) {
  using Clock = std::chrono::steady_clock;
  Runtime runtime({.workers = 1});
  Conversation conversation;
  JoinHandle<void> task = runtime.Spawn(AnswerThread, std::ref(conversation));
  while (state.KeepRunning()) {
    before_each();
    const Clock::time_point begin = Clock::now();
    Ask(conversation, before_look);
    const std::chrono::duration<double> elapsed = Clock::now() - begin;
    state.SetIterationTime(elapsed.count());
  }
  conversation.over.store(true, std::memory_order_relaxed);
  conversation.question.Pass();
  MustBeOk(task.BlockingJoin());
  state.SetItemsProcessed(state.iterations());
}

// Lets others run while it looks: the system may have woken the worker on this
// very processor, where a loop that only looks would keep it waiting for a time
// slice, which is milliseconds.
void WakeSleeping(benchmark::State& state) {
  AskOften(state, LetTheWorkerSleep, std::this_thread::yield);
}
BENCHMARK(WakeSleeping)
    ->Name("runtime/wake_sleeping/weft")
    ->Iterations(2000)
    ->MeasureProcessCPUTime()
    ->UseManualTime();

void WakeBusy(benchmark::State& state) {
  AskOften(state, [] {}, [] {});
}
BENCHMARK(WakeBusy)
    ->Name("runtime/wake_busy/weft")
    ->MeasureProcessCPUTime()
    ->UseManualTime();

}  // namespace
}  // namespace weft::bench
