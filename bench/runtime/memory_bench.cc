// How much memory does a coroutine take, and how much a task that waits?
//
//     frame_bytes               a Task with one argument that has not started:
//                               its frame, as rounded up by the frame pool
//     bytes_per_suspended_task  a spawned task without locals or arguments that
//                               waits: everything that it takes, context, id,
//                               links and awaiter
//     fork_skynet_peak_mib      a hundred million tasks, forked (skynet.h).
//                               Arg 0: workers
//
// The counter `bytes` is what counts; it is what glibc's malloc has handed out,
// its own headers and rounding included, divided by the number of them. `mib`
// is the most memory that the process ever held meanwhile, with its program and
// what is left of the benchmarks before it, in MiB: it is best asked alone.
//
// SPDX-License-Identifier: MIT

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/baton.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/floor_task.h"
#include "weft/bench/runtime/skynet.h"
#include "weft/runtime/internal/frame_pool.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kMany = 1'000'000;

double BytesInUse() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// --- Frames -----------------------------------------------------------------

Task<std::int64_t> Plain(std::int64_t number) { co_return number + 1; }
FloorTask FloorPlain(std::int64_t number) { co_return number + 1; }

template <typename Make>
void FrameBytes(benchmark::State& state, Make make) {
  double bytes = 0;
  while (state.KeepRunningBatch(kMany)) {
    std::vector<decltype(make(0))> tasks;
    tasks.reserve(kMany);
    const double before = BytesInUse();
    for (std::int64_t i = 0; i < kMany; ++i) tasks.push_back(make(i));
    bytes = (BytesInUse() - before) / kMany;
  }
  state.counters["bytes"] = bytes;
}
void WeftFrame(benchmark::State& state) { FrameBytes(state, Plain); }
void FloorFrame(benchmark::State& state) { FrameBytes(state, FloorPlain); }
BENCHMARK(WeftFrame)
    ->Name("runtime/frame_bytes/weft")
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(FloorFrame)
    ->Name("runtime/frame_bytes/floor")
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- Tasks ------------------------------------------------------------------

// A baton for each task, which it finds without being told: it has no locals.
class Batons {
 public:
  Baton& Next() noexcept { return all_[given_++]; }
  std::int64_t given() const noexcept { return given_; }
  void PassAll() noexcept {
    for (std::int64_t i = 0; i < given_; ++i) all_[i].Pass();
  }

 private:
  std::unique_ptr<Baton[]> all_ = std::make_unique<Baton[]>(kMany);
  std::int64_t given_ = 0;
};
Batons* batons = nullptr;

Task<> WaitForBaton() { co_await batons->Next().Take(); }

Task<absl::Status> SuspendMany(double& bytes) {
  std::vector<JoinHandle<void>> handles;
  handles.reserve(kMany);
  const double before = BytesInUse();
  for (std::int64_t i = 0; i < kMany; ++i) {
    handles.push_back(Spawn([] { return WaitForBaton(); }));
  }
  // One worker: when the last has its baton and we run, it waits.
  while (batons->given() < kMany) co_await Yield();
  bytes = (BytesInUse() - before) / kMany;
  batons->PassAll();
  co_return co_await JoinAll(std::move(handles));
}

void SuspendedTask(benchmark::State& state) {
  Runtime runtime({.workers = 1});
  double bytes = 0;
  while (state.KeepRunningBatch(kMany)) {
    Batons for_all;
    batons = &for_all;
    MustBeOk(runtime.BlockOn(SuspendMany(bytes)));
  }
  state.counters["bytes"] = bytes;
}
BENCHMARK(SuspendedTask)
    ->Name("runtime/bytes_per_suspended_task/weft")
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- Forks ------------------------------------------------------------------

// Forgets the peak so far; proc(5), /proc/pid/clear_refs.
void BeginPeak() {
  internal::TrimFrameDepot();
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

double PeakMib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmHWM:") {
  }
  double kib = 0;
  status >> kib;
  ABSL_RAW_CHECK(kib > 0, "the system does not tell how much was held");
  return kib / 1024;
}

void SkynetPeak(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  BeginPeak();
  for (auto _ : state) MustBeOk(runtime.BlockOn(WholeSkynet()));
  state.counters["mib"] = PeakMib();
}
BENCHMARK(SkynetPeak)
    ->Name("runtime/fork_skynet_peak_mib/weft")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
