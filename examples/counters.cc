// Three counters that each sleep for a second, and are done after one.
//
// The first program of every asyncio tutorial: tasks that wait do not wait for
// each other. It runs under virtual time, so it takes none of yours; the output
// is in counters.out, and checked. (Whoever is woken last runs first, since its
// memory is warm: so the third counter is the first with its "two".)
//
// SPDX-License-Identifier: MIT

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"

namespace {

using weft::OrReturn, weft::Task;

// region: counter
Task<absl::Status> Count(int name) {
  absl::PrintF("counter %d: one\n", name);
  co_await OrReturn(weft::SleepFor(absl::Seconds(1)));
  absl::PrintF("counter %d: two\n", name);
  co_return absl::OkStatus();
}
// endregion

Task<> CountOneAfterTheOther() {
  for (int name : {1, 2, 3}) {
    absl::Status counted = co_await Count(name);
    counted.IgnoreError();
  }
}

Task<> CountTogether() { co_await WhenAll(Count(1), Count(2), Count(3)); }

// Runs `work` and says how long it took by the runtime's clock.
Task<> Measure(const char* what, Task<> work) {
  const weft::Instant begin = weft::Now();
  co_await std::move(work);
  absl::PrintF("%s: %.1f s\n", what,
               absl::ToDoubleSeconds(weft::Now() - begin));
}

}  // namespace

int main() {
  weft::testing::Simulator sim;
  sim.Run(Measure("one after the other", CountOneAfterTheOther()))
      .IgnoreError();
  sim.Run(Measure("together", CountTogether())).IgnoreError();
}
