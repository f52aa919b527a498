// What does a flood of forks leave for others?
//
//     flood_ticker_p99  how late a task is that wants to be woken a thousand
//                       times a second. Each moment is counted, those too that
//                       it slept through
//     flood_echo_p99    a round trip of 64 bytes between two tasks, on a
//                       connection over the loopback
//
// Arg 0: workers. A hundred million forks (skynet.h) come down on all of them
//        while both are measured.
//
// What the machine itself adds is in the row of `thread`: a thread of its own
// is woken as often, for two seconds, while as many others compute. On a busy
// machine that may be all there is.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "weft/bench/net/echo_server.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/percentiles.h"
#include "weft/bench/runtime/skynet.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

Task<absl::Status> Tick(Instant begin, Percentiles& lateness) {
  for (Instant due = begin;; due = due + absl::Milliseconds(1)) {
    co_await OrReturn(SleepUntil(due));
    lateness.Add(Now() - due);
  }
}

Task<absl::Status> Ask(net::TcpStream& server, Percentiles& round_trips) {
  std::array<std::byte, 64> message = {};
  for (;;) {
    const Instant begin = Now();
    co_await OrReturn(server.WriteAll(message));
    co_await OrReturn(net::ReadExactly(server, message));
    round_trips.Add(Now() - begin);
  }
}

struct Waits {
  Percentiles lateness;
  Percentiles round_trips;
};

Task<absl::Status> Flood(Waits& waits) {
  auto listener = co_await OrReturn(net::TcpListener::Bind("127.0.0.1:0"));
  auto server =
      co_await OrReturn(net::TcpStream::Connect(listener.local_address()));
  co_return co_await WithScope([&](Scope& others) -> Task<absl::Status> {
    others.Spawn(ServeEcho, std::ref(listener));
    others.Spawn(Ask, std::ref(server), std::ref(waits.round_trips));
    others.Spawn(Tick, Now(), std::ref(waits.lateness));
    co_await WholeSkynet();
    others.Cancel();
    co_return absl::OkStatus();
  });
}

void FloodOthers(benchmark::State& state, Percentiles Waits::* reported) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    Waits waits;
    MustBeOk(runtime.BlockOn(Flood(waits)));
    (waits.*reported).Report(state);
  }
}

void OnceOnWorkers(benchmark::internal::Benchmark* row) {
  row->Arg(1)->Arg(2)->Iterations(1);
  row->MeasureProcessCPUTime()->UseManualTime();
}
BENCHMARK_CAPTURE(FloodOthers, ticker, &Waits::lateness)
    ->Name("runtime/flood_ticker_p99/weft")
    ->Apply(OnceOnWorkers);
BENCHMARK_CAPTURE(FloodOthers, echo, &Waits::round_trips)
    ->Name("runtime/flood_echo_p99/weft")
    ->Apply(OnceOnWorkers);

// --- thread -----------------------------------------------------------------

void TickBesideThreads(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  for (auto _ : state) {
    std::atomic<bool> over{false};
    std::vector<std::jthread> computing;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      // relaxed: no partner; the threads are joined.
      computing.emplace_back([&over] {
        while (!over.load(std::memory_order_relaxed)) {
        }
      });
    }
    Percentiles lateness;
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < 2000; ++i) {
      const Clock::time_point due = begin + std::chrono::milliseconds(i);
      std::this_thread::sleep_until(due);
      lateness.Add(absl::FromChrono(Clock::now() - due));
    }
    over.store(true, std::memory_order_relaxed);
    lateness.Report(state);
  }
}
BENCHMARK(TickBesideThreads)
    ->Name("runtime/flood_ticker_p99/thread")
    ->Apply(OnceOnWorkers);

}  // namespace
}  // namespace weft::bench
