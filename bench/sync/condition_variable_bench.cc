// What does a wait for a predicate cost: the lock let go, a wake, the lock
// taken again?
//
//     condition_variable_ping_pong  two tasks wait for each other's turn; one
//                                   is a round trip: two waits, two notices
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/condition_variable.h"
#include "weft/sync/mutex.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kRoundTrips = 100'000;

struct Table {
  sync::Mutex mutex;
  sync::ConditionVariable turned;
  int turn = 0;  // Guarded by mutex.
};

Task<absl::Status> Play(Table& table, int mine) {
  for (std::int64_t i = 0; i < kRoundTrips; ++i) {
    sync::Mutex::Guard guard = co_await OrReturn(table.mutex.Lock());
    auto is_mine = [&table, mine] { return table.turn == mine; };
    co_await OrReturn(table.turned.Wait(guard, is_mine));
    table.turn = 1 - mine;
    table.turned.NotifyOne();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> PlayBoth() {
  Table table;
  JoinHandle<absl::Status> other = Spawn(Play, std::ref(table), 1);
  co_await OrReturn(Play(table, 0));
  co_return co_await other.Join();
}

void ConditionVariablePingPong(benchmark::State& state) {
  Measure(state, kRoundTrips, PlayBoth);
}
BENCHMARK(ConditionVariablePingPong)
    ->Name("sync/condition_variable_ping_pong/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
