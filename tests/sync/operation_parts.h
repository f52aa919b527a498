// What the operations of operations.h are made of: tasks that wait for a while
// and give something.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_OPERATION_PARTS_H_
#define WEFT_TESTS_SYNC_OPERATION_PARTS_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::tests {

using Number = absl::StatusOr<int>;

// What an operation expects; of one that is cancelled it need not hold.
inline absl::Status Unless(bool holds) {
  if (holds) return absl::OkStatus();
  return IsCancelled() ? CancelledError()
                       : absl::InternalError("it does not hold");
}

inline Task<Number> Give(int number) {
  co_await Yield();
  co_return number;
}

inline Task<Number> GiveAfter(absl::Duration pause, int number) {
  co_await OrReturn(SleepFor(pause));
  co_return number;
}

inline Task<absl::Status> Pause() {
  co_await Yield();
  co_return co_await SleepFor(absl::Seconds(1));
}

inline std::vector<Task<Number>> Givers(int count) {
  std::vector<Task<Number>> tasks;
  for (int i = 1; i <= count; ++i) {
    tasks.push_back(GiveAfter(absl::Seconds(i), i));
  }
  return tasks;
}

inline AsyncGenerator<int> CountTo(int last) {
  for (int i = 1; i <= last; ++i) {
    co_await Yield();
    const bool wanted = co_yield Offer(i);
    if (!wanted) break;
  }
  const absl::Status paused = co_await Shield(Pause());
  paused.IgnoreError();  // A shielded pause ends well.
}

inline Generator<int> CountAtOnceTo(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

// One beside the other; whoever fails ends both.
inline Task<absl::Status> Both(Task<absl::Status> one,
                               Task<absl::Status> other) {
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(std::move(one));
    co_return co_await std::move(other);
  });
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SYNC_OPERATION_PARTS_H_
