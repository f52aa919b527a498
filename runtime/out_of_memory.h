// The error of a wait for which there was no memory.
//
// A call that needs memory throws std::bad_alloc. What ends in the worker's
// loop, on a thread of the pool or in a task of its own has nobody to throw to,
// and answers so.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_OUT_OF_MEMORY_H_
#define WEFT_RUNTIME_OUT_OF_MEMORY_H_

#include "absl/status/status.h"

namespace weft {

// RESOURCE_EXHAUSTED without a message: a status that is a code alone needs no
// memory, and a text would.
inline absl::Status OutOfMemoryError() noexcept {
  return absl::Status(absl::StatusCode::kResourceExhausted, "");
}

}  // namespace weft

#endif  // WEFT_RUNTIME_OUT_OF_MEMORY_H_
