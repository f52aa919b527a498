// Where ParallelForEach and Transform take their elements from: a range, an
// asynchronous generator, or another Transform.
//
//     a range ---------> RangeSource<Range> --+
//     AsyncGenerator<T> ----------------------+--> Next(), Release()
//     Transformed<...> -----------------------+
//
// Whatever it was, it is a source from then on. It is asked for one element at
// a time, by one task at a time, and only when somebody has room for it; and it
// is released, by waiting, on every way out.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_ELEMENT_SOURCE_H_
#define WEFT_SYNC_ELEMENT_SOURCE_H_

#include <concepts>
#include <coroutine>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/runtime/using.h"

namespace weft::sync {

// What ParallelForEach, Transform and WithResults share: nobody else needs it.
namespace sources {

// An element that stays in its range.
template <typename T>
class Borrowed {
 public:
  explicit Borrowed(T& element) noexcept : element_(&element) {}

  T& get() const noexcept { return *element_; }

 private:
  T* element_;
};

// How a function is given an element: the one in the range, or the one that we
// have, which it may move from.
template <typename T>
T&& Pass(T& element) noexcept {
  return std::move(element);
}
template <typename T>
T& Pass(Borrowed<T>& element) noexcept {
  return element.get();
}

// What Next() gave, as a Status or an element. A generator that is cancelled
// ends or yields as it pleases; neither counts.
template <typename T>
absl::StatusOr<std::optional<T>> Checked(std::optional<T> element) {
  if (absl::Status status = CheckCancelled(); !status.ok()) return status;
  return element;
}
template <typename T>
absl::StatusOr<std::optional<T>> Checked(
    absl::StatusOr<std::optional<T>> element) {
  return element;
}

}  // namespace sources

// Next() gives an element, empty at the end and ever after; Release() ends the
// source early.
template <typename Source>
concept ElementSource = AsyncResource<Source> && requires(Source& source) {
  *sources::Checked(std::declval<AwaitResult<decltype(source.Next())>>());
};

namespace sources {

template <ElementSource Source>
using ElementOf = typename decltype(Checked(
    std::declval<AwaitResult<decltype(std::declval<Source&>().Next())>>()))::
    value_type::value_type;

// A function that makes a Task of every element.
template <typename Function, typename Source>
using ResultForEach = typename std::invoke_result_t<
    Function&, decltype(Pass(std::declval<ElementOf<Source>&>()))>::Result;

// From the scope that it will be used in: a source that has tasks of its own
// starts them there.
template <ElementSource Source>
void StartIn(Scope& scope, Source& source) {
  if constexpr (requires { source.Start(scope); }) source.Start(scope);
}

// A range as a source. It is never left by its elements: whoever has the
// source until every call has ended has a view that owns them, too.
//
// Rejected: an AsyncGenerator that goes through the range. Its frame, and the
// view in it, are gone as soon as it has ended, while calls still use what they
// were given. And borrowed_range does not tell the views that own something
// from the others: `lvalue | filter` is none, and must not be moved out of.
template <std::ranges::input_range Range>
class RangeSource {
  using Reference = std::ranges::range_reference_t<Range>;
  // The elements of a container, which is ours, are moved out. Those of a view
  // stay in it, unless it can be gone through only once or makes them as it
  // goes: then they are the caller's still, as long as they are lvalues, and
  // are copied.
  static constexpr bool kOurs = !std::ranges::view<Range>;
  static constexpr bool kStay = !kOurs && std::ranges::forward_range<Range> &&
                                std::is_lvalue_reference_v<Reference>;
  using Element =
      std::conditional_t<kStay, Borrowed<std::remove_reference_t<Reference>>,
                         std::ranges::range_value_t<Range>>;

 public:
  class NextAwaiter;

  // It may move until it is asked for the first time.
  explicit RangeSource(Range range) : range_(std::move(range)) {}

  // Suspends: never.
  // Cancel:   not looked at: Checked does.
  NextAwaiter Next() noexcept { return NextAwaiter(*this); }

  // Suspends: never; the range goes with the source.
  // Cancel:   ignored.
  Task<absl::Status> Release() { co_return absl::OkStatus(); }

 private:
  std::optional<Element> Take() {
    if (std::exchange(ended_, true)) return std::nullopt;
    if (position_.has_value()) {
      ++*position_;
    } else {
      position_.emplace(std::ranges::begin(range_));
    }
    if (*position_ == std::ranges::end(range_)) return std::nullopt;
    std::optional<Element> element(Here());
    ended_ = false;  // It is over, too, where something above has thrown.
    return element;
  }

  Element Here() {
    if constexpr (kOurs) {
      return Element(std::move(**position_));
    } else {
      return Element(**position_);
    }
  }

  Range range_;
  // Points into range_, where that has come to rest. It goes on when the next
  // element is asked for, and not before: what makes them does not run ahead.
  std::optional<std::ranges::iterator_t<Range>> position_;
  bool ended_ = false;
};

template <std::ranges::input_range Range>
class [[nodiscard("co_await it")]] RangeSource<Range>::NextAwaiter
    : public std::suspend_never {
 public:
  explicit NextAwaiter(RangeSource& source) noexcept : source_(source) {}

  std::optional<Element> await_resume() const { return source_.Take(); }

 private:
  RangeSource& source_;
};

// `elements`, whatever they are, as a source.
template <typename Elements>
auto Of(Elements&& elements) {
  using Plain = std::remove_cvref_t<Elements>;
  if constexpr (!std::ranges::input_range<Elements>) {
    static_assert(!std::is_lvalue_reference_v<Elements>,
                  "std::move the generator: it is used up");
    return Plain(std::move(elements));
  } else if constexpr (std::is_lvalue_reference_v<Elements>) {
    return RangeSource(std::views::all(elements));
  } else {
    return RangeSource<Plain>(std::move(elements));
  }
}

template <typename Elements>
using For = decltype(Of(std::declval<Elements>()));

}  // namespace sources

// A range, an AsyncGenerator or a Transformed.
template <typename Elements>
concept Elemental = (std::ranges::input_range<Elements> ||
                     ElementSource<std::remove_cvref_t<Elements>>);

}  // namespace weft::sync

#endif  // WEFT_SYNC_ELEMENT_SOURCE_H_
