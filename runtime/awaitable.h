// What can be awaited, and what comes out of it: the concepts that templates of
// this library name.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_AWAITABLE_H_
#define WEFT_RUNTIME_AWAITABLE_H_

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {
namespace internal {

// The awaiter of `awaitable`, as the language finds it.
template <typename Awaitable>
decltype(auto) GetAwaiter(Awaitable&& awaitable) {
  if constexpr (requires {
                  std::forward<Awaitable>(awaitable).operator co_await();
                }) {
    return std::forward<Awaitable>(awaitable).operator co_await();
  } else if constexpr (requires {
                         operator co_await(std::forward<Awaitable>(awaitable));
                       }) {
    return operator co_await(std::forward<Awaitable>(awaitable));
  } else {
    return static_cast<Awaitable&&>(awaitable);
  }
}

template <typename Awaitable>
using AwaiterOf = decltype(GetAwaiter(std::declval<Awaitable>()));

// An awaiter by reference. g++ 12 copies an awaiter that await_transform
// returns as a reference, and ours do not move; it leaves this one alone.
template <typename Awaiter>
struct AwaiterRef {
  Awaiter& awaiter;

  bool await_ready() noexcept(noexcept(awaiter.await_ready())) {
    return awaiter.await_ready();
  }
  template <typename Promise>
  auto await_suspend(std::coroutine_handle<Promise> caller) noexcept(
      noexcept(awaiter.await_suspend(caller))) {
    return awaiter.await_suspend(caller);
  }
  decltype(auto) await_resume() noexcept(noexcept(awaiter.await_resume())) {
    return awaiter.await_resume();
  }
};
template <typename Awaiter>
AwaiterRef(Awaiter&) -> AwaiterRef<Awaiter>;

template <typename T>
inline constexpr bool kIsStatusOr = false;
template <typename T>
inline constexpr bool kIsStatusOr<absl::StatusOr<T>> = true;

}  // namespace internal

// Can stand behind co_await.
template <typename A>
concept Awaitable =
    requires(std::remove_reference_t<internal::AwaiterOf<A>>& awaiter) {
      { awaiter.await_ready() } -> std::convertible_to<bool>;
      awaiter.await_resume();
    };

// What `co_await a` gives.
template <Awaitable A>
using AwaitResult =
    decltype(std::declval<std::remove_reference_t<internal::AwaiterOf<A>>&>()
                 .await_resume());

template <typename A, typename Result>
concept AwaitsTo = Awaitable<A> && std::convertible_to<AwaitResult<A>, Result>;

// A Status or a StatusOr: what every operation that may fail gives.
template <typename T>
concept StatusLike = std::same_as<std::remove_cvref_t<T>, absl::Status> ||
                     internal::kIsStatusOr<std::remove_cvref_t<T>>;

}  // namespace weft

#endif  // WEFT_RUNTIME_AWAITABLE_H_
