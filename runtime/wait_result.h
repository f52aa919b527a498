// WaitResult<T>: what waiting for a T gives, when the wait itself may fail.
//
//     T               WaitResult<T>
//     void            absl::Status
//     absl::Status    absl::Status
//     StatusOr<U>     StatusOr<U>
//     anything else   StatusOr<T>
//
// So a failed wait (CANCELLED) and a failed result share one channel, and
// nobody unwraps twice.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_WAIT_RESULT_H_
#define WEFT_RUNTIME_WAIT_RESULT_H_

#include <type_traits>
#include <variant>

#include "weft/runtime/awaitable.h"
#include "weft/runtime/promise.h"

namespace weft {

template <typename T>
using WaitResult = std::conditional_t<
    std::is_void_v<T>, absl::Status,
    std::conditional_t<StatusLike<T>, T,
                       absl::StatusOr<std::conditional_t<std::is_void_v<T>,
                                                         std::monostate, T>>>>;

namespace internal {

// Takes what a coroutine left; throws what escaped from it.
template <typename T>
WaitResult<T> TakeWaitResult(ReturnSlot<T>& slot) {
  if constexpr (std::is_void_v<T>) {
    slot.TakeResult();
    return absl::OkStatus();
  } else {
    return slot.TakeResult();
  }
}

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_WAIT_RESULT_H_
