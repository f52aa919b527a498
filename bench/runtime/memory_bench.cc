// How much memory does a coroutine take, and how much a task that waits?
//
//     frame_bytes               a Task with one argument that has not started:
//                               its frame, as rounded up by the frame pool
//     bytes_per_suspended_task  a spawned task without locals or arguments that
//                               waits: everything that it takes, context, id,
//                               links and awaiter
//
// The counter `bytes` is what counts; it is what glibc's malloc has handed out,
// its own headers and rounding included, divided by the number of them.
//
// SPDX-License-Identifier: MIT

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/baton.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/floor_task.h"
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

}  // namespace
}  // namespace weft::bench
