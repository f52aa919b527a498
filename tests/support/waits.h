// What the tests of every primitive ask of its waits: what a dump sees of one,
// and how long a task may go on that never has to wait.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_WAITS_H_
#define WEFT_TESTS_SUPPORT_WAITS_H_

#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/current.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::tests {

template <typename Operation>
Task<absl::Status> PerformIn(TaskContext*& context, Operation operation) {
  context = internal::Here().context;
  absl::Status status = co_await operation();
  co_return status;
}

// What a dump sees of the wait of `operation()`, which makes a
// Task<absl::Status> that has to wait; it waits still when this returns.
template <typename Operation>
WaitDescription DescribeWaitOf(weft::testing::Simulator& sim,
                               Operation operation) {
  TaskContext* context = nullptr;
  sim.Spawn(PerformIn(context, std::move(operation)));
  sim.RunUntilIdle();
  WaitDescription seen;
  context->Look([&](Leaf& leaf) { seen = leaf.Describe(); });
  return seen;
}

// How many times `operation()`, a Task<absl::Status> that does not have to
// wait, succeeds in a row before another task that is ready has its turn.
template <typename Operation>
int TimesBeforeAnotherHasATurn(Operation operation) {
  weft::testing::Simulator sim;
  bool stop = false;
  int times = 0;
  int times_before_the_other = 0;
  auto flood = [&]() -> Task<absl::Status> {
    while (!stop) {
      co_await OrReturn(operation());
      ++times;
    }
    co_return absl::OkStatus();
  };
  auto other = [&]() -> Task<> {
    times_before_the_other = times;
    stop = true;
    co_return;
  };
  sim.Spawn(flood());
  sim.Spawn(other());
  sim.RunUntilIdle();
  return times_before_the_other;
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_WAITS_H_
