// What the worlds of promise_test.cc have in common.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_PROMISE_WORLD_H_
#define WEFT_TESTS_SYNC_PROMISE_WORLD_H_

#include <string>

#include "absl/status/status.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/event.h"

namespace weft::sync::worlds {

inline absl::Status Unless(bool holds, std::string what) {
  return holds ? absl::OkStatus() : absl::InternalError(what);
}

// Somewhere to be cancelled.
inline Task<absl::Status> Pause() {
  Event soon;
  soon.Set();
  co_await Yield();
  co_return co_await soon.Wait();
}

}  // namespace weft::sync::worlds

#endif  // WEFT_TESTS_SYNC_PROMISE_WORLD_H_
