// How long is a turn: from one task's Yield to the next task's code?
//
// Arg 0: workers. Tasks never have a reason to leave the first, so with two the
//        question is what an idle second worker costs the busy one.
// Arg 1: tasks that yield to each other.
//
// The floor is the least that a fair run queue can be: a ring of coroutine
// handles and a loop that takes the oldest and resumes it.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <coroutine>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/runtime/bare_coroutine.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kTurns = 1'000'000;

// --- weft -------------------------------------------------------------------

Task<> YieldOften(std::int64_t turns) {
  for (std::int64_t i = 0; i < turns; ++i) co_await Yield();
}

Task<absl::Status> YieldToEachOther(std::int64_t tasks) {
  std::vector<JoinHandle<void>> handles;
  for (std::int64_t i = 0; i < tasks; ++i) {
    handles.push_back(Spawn(YieldOften, kTurns / tasks));
  }
  co_return co_await JoinAll(std::move(handles));
}

void WeftYield(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  while (state.KeepRunningBatch(kTurns)) {
    MustBeOk(runtime.BlockOn(YieldToEachOther(state.range(1))));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WeftYield)
    ->Name("runtime/yield/weft")
    ->ArgsProduct({{1, 2}, {1, 2, 100}})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- floor ------------------------------------------------------------------

class Ring {
 public:
  void Push(std::coroutine_handle<> handle) noexcept {
    slots_[tail_++ % slots_.size()] = handle;
  }
  void RunUntilEmpty() {
    while (head_ != tail_) slots_[head_++ % slots_.size()].resume();
  }

 private:
  std::array<std::coroutine_handle<>, 256> slots_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
};

class ToTheBack {
 public:
  explicit ToTheBack(Ring& ring) noexcept : ring_(ring) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) const noexcept {
    ring_.Push(caller);
  }
  void await_resume() const noexcept {}

 private:
  Ring& ring_;
};

BareCoroutine GoRound(Ring& ring, std::int64_t turns) {
  for (std::int64_t i = 0; i < turns; ++i) co_await ToTheBack(ring);
}

void FloorYield(benchmark::State& state) {
  const std::int64_t tasks = state.range(1);
  while (state.KeepRunningBatch(kTurns)) {
    Ring ring;
    std::vector<BareCoroutine> coroutines;
    for (std::int64_t i = 0; i < tasks; ++i) {
      coroutines.push_back(GoRound(ring, kTurns / tasks));
      ring.Push(coroutines.back().handle());
    }
    ring.RunUntilEmpty();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FloorYield)
    ->Name("runtime/yield/floor")
    ->ArgsProduct({{1}, {1, 2, 100}})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
