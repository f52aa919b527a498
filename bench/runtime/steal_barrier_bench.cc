// What does it bring that thieves pay for the barrier between them and an owner
// (steal_barrier.h)?
//
// The same program twice on two workers: as it is, and on a system that has no
// membarrier(2), where owner and thief both pay. The label says which form ran.
//
//     payer_round_trip  two tasks that wake each other: the LIFO slot
//     payer_yield       a hundred tasks that yield: the run queue
//     payer_skynet      a hundred million forked tasks: the fork deque
//
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/bench/runtime/round_trip.h"
#include "weft/bench/runtime/skynet.h"
#include "weft/reactor/system.h"
#include "weft/runtime/internal/steal_barrier.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::bench {
namespace {

class WithoutMembarrier final : public reactor::System {
 public:
  int membarrier_register() override {
    errno = ENOSYS;
    return -1;
  }
};

// Runs `make`'s task, of so many items, again and again.
template <typename Make>
void Measure(benchmark::State& state, reactor::System& system,
             std::int64_t items, Make make) {
  Runtime runtime({.workers = 2, .system = &system});
  while (state.KeepRunningBatch(items)) MustBeOk(runtime.BlockOn(make()));
  state.SetItemsProcessed(state.iterations());
  const bool thieves_pay =
      internal::StealBarrier::PaidByThieves(system).thieves_pay();
  state.SetLabel(thieves_pay ? "thieves pay" : "both pay");
}

void RoundTrip(benchmark::State& state, reactor::System& system) {
  Measure(state, system, kRoundTrips,
          [] { return WakeEachOther(kRoundTrips); });
}

constexpr std::int64_t kTasks = 100;
constexpr std::int64_t kTurns = 1'000'000;

Task<> TakeTurns(std::int64_t turns) {
  for (std::int64_t i = 0; i < turns; ++i) co_await Yield();
}

Task<absl::Status> YieldAll() {
  std::vector<JoinHandle<void>> handles;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    handles.push_back(Spawn(TakeTurns, kTurns / kTasks));
  }
  co_return co_await JoinAll(std::move(handles));
}

void YieldByTurns(benchmark::State& state, reactor::System& system) {
  Measure(state, system, kTurns, YieldAll);
}

void ForkTenWays(benchmark::State& state, reactor::System& system) {
  Measure(state, system, kSkynetTasks, WholeSkynet);
}

void Register(const std::string& question,
              void (*ask)(benchmark::State&, reactor::System&)) {
  static WithoutMembarrier without;
  const auto add = [&](const char* payer, reactor::System& system) {
    benchmark::RegisterBenchmark((question + payer).c_str(), ask,
                                 std::ref(system))
        ->MeasureProcessCPUTime()
        ->UseRealTime();
  };
  add("/thieves/2", reactor::System::Kernel());
  add("/both/2", without);
}

[[maybe_unused]] const bool registered = [] {
  Register("runtime/payer_round_trip", RoundTrip);
  Register("runtime/payer_yield", YieldByTurns);
  Register("runtime/payer_skynet", ForkTenWays);
  return true;
}();

}  // namespace
}  // namespace weft::bench
