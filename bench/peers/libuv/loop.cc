// Timers of libuv, a million of them, and a thread that wakes its loop.
//
// A timer is armed by the time that the loop has read last; it does not look at
// the clock.
//
// SPDX-License-Identifier: MIT

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

class Loop {
 public:
  Loop() { Must(uv_loop_init(&loop_) == 0, "there is no loop"); }
  ~Loop() {
    Run();  // What is being closed.
    Must(uv_loop_close(&loop_) == 0, "a handle was not closed");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() noexcept { return &loop_; }
  void Run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

template <typename Handle>
void Close(Handle& handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
}

// --- timer_arm, timer_cancel ------------------------------------------------

struct Took {
  Seconds arming;
  Seconds cancelling;
};

Took ArmAndCancel() {
  std::vector<uv_timer_t> timers(static_cast<std::size_t>(kTimers));
  Loop loop;
  for (uv_timer_t& timer : timers) uv_timer_init(loop.get(), &timer);
  const Clock::time_point begin = Clock::now();
  for (std::int64_t i = 0; i < kTimers; ++i) {
    uv_timer_start(
        &timers[i], [](uv_timer_t*) {},
        static_cast<std::uint64_t>(TimerDelay(i).count()), 0);
  }
  const Clock::time_point armed = Clock::now();
  for (uv_timer_t& timer : timers) uv_timer_stop(&timer);
  const Clock::time_point cancelled = Clock::now();
  for (uv_timer_t& timer : timers) Close(timer);
  return {.arming = armed - begin, .cancelling = cancelled - armed};
}

void Timers(benchmark::State& state, Seconds Took::* part) {
  while (state.KeepRunningBatch(kTimers)) {
    state.SetIterationTime((ArmAndCancel().*part).count());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Timers, arm, &Took::arming)
    ->Name("runtime/timer_arm/libuv")
    ->Apply(ByHand);
BENCHMARK_CAPTURE(Timers, cancel, &Took::cancelling)
    ->Name("runtime/timer_cancel/libuv")
    ->Apply(ByHand);

// --- wake_sleeping ----------------------------------------------------------

struct Conversation {
  uv_async_t question;
  // Written by the loop, read by the thread that asks.
  std::atomic<std::int64_t> answered{0};
  std::atomic<bool> over{false};
};

void Answer(uv_async_t* question) {
  auto& conversation = *static_cast<Conversation*>(question->data);
  if (conversation.over.load()) {
    Close(*question);
    return;
  }
  // release: pairs with the acquire in AwaitAnswer.
  conversation.answered.fetch_add(1, std::memory_order_release);
}

void WakeSleeping(benchmark::State& state) {
  Loop loop;
  Conversation conversation;
  uv_async_init(loop.get(), &conversation.question, Answer);
  conversation.question.data = &conversation;
  std::jthread worker([&loop] { loop.Run(); });
  std::int64_t before = 0;
  while (state.KeepRunning()) {
    LetTheLoopSleep();
    const Clock::time_point begin = Clock::now();
    uv_async_send(&conversation.question);
    AwaitAnswer(conversation.answered, before);
    state.SetIterationTime(Seconds(Clock::now() - begin).count());
    ++before;
  }
  conversation.over.store(true);
  uv_async_send(&conversation.question);
  worker.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WakeSleeping)
    ->Name("runtime/wake_sleeping/libuv")
    ->Iterations(kWakes)
    ->Apply(ByHand);

}  // namespace
}  // namespace weft::bench
