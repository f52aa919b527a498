// OrReturn ends the task with an error, so the task must be able to hold one.
//
// Says: ReturnsStatus
//
// SPDX-License-Identifier: MIT

#include <utility>

#include "absl/status/statusor.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

weft::Task<int> Outer(absl::StatusOr<int> result) {
  const int value = co_await weft::OrReturn(std::move(result));
  co_return value;
}
