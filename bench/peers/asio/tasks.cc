// Coroutines of Asio that yield, are awaited, begin and end, and wait.
//
// SPDX-License-Identifier: MIT

#include <asio/post.hpp>
#include <cstdint>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/asio/workers.h"
#include "weft/bench/peers/questions.h"

namespace weft::bench {
namespace {

// --- yield ------------------------------------------------------------------

Awaitable<> YieldOften(std::int64_t turns) {
  for (std::int64_t i = 0; i < turns; ++i) co_await asio::post(kAwaited);
}

void Yields(benchmark::State& state) {
  Workers workers(state);
  const std::int64_t tasks = state.range(1);
  while (state.KeepRunningBatch(kTurns)) {
    for (std::int64_t i = 0; i < tasks; ++i) {
      workers.Spawn(YieldOften(kTurns / tasks));
    }
    workers.Run();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Yields)
    ->Name("runtime/yield/asio")
    ->ArgsProduct({{1, 2}, {1, 2, 100}})
    ->Apply(Plainly);

// --- await_ready_task -------------------------------------------------------

[[gnu::noinline]] Awaitable<std::int64_t> Increment(std::int64_t number) {
  co_return number + 1;
}

Awaitable<> Count() {
  std::int64_t number = 0;
  while (number < kAwaits) number = co_await Increment(number);
  benchmark::DoNotOptimize(number);
}

void AwaitReadyTask(benchmark::State& state) {
  Workers workers(1);
  while (state.KeepRunningBatch(kAwaits)) {
    workers.Spawn(Count());
    workers.Run();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AwaitReadyTask)
    ->Name("runtime/await_ready_task/asio")
    ->Apply(Plainly);

// --- spawn_join, spawn_million ----------------------------------------------

Awaitable<> EndAtOnce() { co_return; }

Awaitable<> OneAfterTheOther(Workers& workers) {
  for (std::int64_t i = 0; i < kSpawns; ++i) {
    co_await asio::co_spawn(workers.executor(), EndAtOnce(), kAwaited);
  }
}

// A coroutine that is spawned by one of its own context would run at once and
// beside nothing, so each is told to begin with a turn.
Awaitable<> EndInItsTurn() { co_await asio::post(kAwaited); }

Awaitable<> AllAtOnce(Workers& workers) {
  for (std::int64_t i = 0; i < kSpawns; ++i) workers.Spawn(EndInItsTurn());
  co_return;
}

void Spawns(benchmark::State& state, Awaitable<> (*spawn)(Workers&)) {
  Workers workers(state);
  while (state.KeepRunningBatch(kSpawns)) {
    workers.Spawn(spawn(workers));
    workers.Run();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(Spawns, join, OneAfterTheOther)
    ->Name("runtime/spawn_join/asio")
    ->Apply(OnWorkers);
BENCHMARK_CAPTURE(Spawns, million, AllAtOnce)
    ->Name("runtime/spawn_million/asio")
    ->Apply(OnWorkers);

// --- bytes_per_suspended_task -----------------------------------------------

// All wait at the same channel, which they find without being told: a task
// without arguments is asked for.
Channel<Wakes>* over = nullptr;

Awaitable<> WaitForTheEnd() { co_await over->async_receive(kAwaited); }

Awaitable<> SuspendMany(Workers& workers, double& bytes) {
  const double before = BytesInUse();
  for (std::int64_t i = 0; i < kSpawns; ++i) workers.Spawn(WaitForTheEnd());
  // One thread: when we run again, all of them wait.
  co_await asio::post(kAwaited);
  bytes = (BytesInUse() - before) / kSpawns;
  for (std::int64_t i = 0; i < kSpawns; ++i) {
    Must(Wake(*over), "a task did not wait");
  }
}

void SuspendedTask(benchmark::State& state) {
  Workers workers(1);
  double bytes = 0;
  while (state.KeepRunningBatch(kSpawns)) {
    Channel<Wakes> channel(workers.executor());
    over = &channel;
    workers.Spawn(SuspendMany(workers, bytes));
    workers.Run();
  }
  state.counters["bytes"] = bytes;
}
BENCHMARK(SuspendedTask)
    ->Name("runtime/bytes_per_suspended_task/asio")
    ->Iterations(1)
    ->Apply(Plainly);

}  // namespace
}  // namespace weft::bench
