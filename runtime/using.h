// Using: acquire, use and release, with waits in all three.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_USING_H_
#define WEFT_RUNTIME_USING_H_

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft {

// Something that must be given back by waiting: a transaction, a stream that
// says goodbye. Release is called once, whatever happened.
template <typename R>
concept AsyncResource = requires(R& resource) {
  { resource.Release() } -> std::same_as<Task<absl::Status>>;
};

// Runs body(resource) and then resource.Release(), on every way out: a result,
// an error, an exception or a cancellation. The release is shielded. If both
// fail, the error holds both (AllErrors); an exception of the body is thrown
// after the release.
//
//     Lease lease = co_await OrReturn(pool.Borrow());
//     absl::Status used = co_await Using(
//         std::move(lease), [&](Lease& lease) -> Task<absl::Status> { ... });
//
// Python's `async with` (PEP 492).
//
// Suspends: as the body and the release do.
// Cancel:   reaches the body; never the release.
// Cost:     two frames.
template <AsyncResource R, typename Body>
  requires(TaskBody<Body, R&> &&
           StatusLike<typename std::invoke_result_t<Body&, R&>::Result>)
auto Using(R resource, Body body)
    -> Task<typename std::invoke_result_t<Body&, R&>::Result> {
  using T = typename std::invoke_result_t<Body&, R&>::Result;
  std::optional<T> result;
  std::exception_ptr escaped;
  try {
    T given = co_await body(resource);
    result.emplace(std::move(given));
  } catch (...) {
    escaped = std::current_exception();
  }
  absl::Status released = co_await Shield(resource.Release());
  if (escaped) std::rethrow_exception(escaped);
  if (released.ok()) co_return *std::move(result);
  std::vector<absl::Status> errors;
  if constexpr (std::same_as<T, absl::Status>) {
    if (!result->ok()) errors.push_back(*result);
  } else {
    if (!result->ok()) errors.push_back(result->status());
  }
  errors.push_back(std::move(released));
  co_return JoinErrors(std::move(errors));
}

}  // namespace weft

#endif  // WEFT_RUNTIME_USING_H_
