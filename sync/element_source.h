// Where ParallelForEach and Transform take their elements from: a range, an
// asynchronous generator, or another Transform.
//
//     a range -----------> AsyncGenerator<T> --+
//     AsyncGenerator<T> -----------------------+--> Next(), Release()
//     Transformed<...> ------------------------+
//
// Whatever it was, it is a source from then on. It is asked for one element at
// a time, by one task at a time, and only when somebody has room for it; and it
// is released, by waiting, on every way out.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_ELEMENT_SOURCE_H_
#define WEFT_SYNC_ELEMENT_SOURCE_H_

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/runtime/using.h"

namespace weft::sync {

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

// Next() gives an element, empty at the end and ever after; Release() ends the
// source early.
template <typename Source>
concept ElementSource = AsyncResource<Source> && requires(Source& source) {
  *Checked(std::declval<AwaitResult<decltype(source.Next())>>());
};

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

// The elements of a range that outlives the call. Those of one that can be gone
// through only once, or that makes them as it goes, are moved out.
template <std::ranges::view View>
auto ElementsIn(View view) {
  using Reference = std::ranges::range_reference_t<View>;
  constexpr bool kStay =
      std::ranges::forward_range<View> && std::is_lvalue_reference_v<Reference>;
  using Element =
      std::conditional_t<kStay, Borrowed<std::remove_reference_t<Reference>>,
                         std::ranges::range_value_t<View>>;
  return [](View elements) -> AsyncGenerator<Element> {
    for (auto&& element : elements) {
      co_yield Element(std::forward<decltype(element)>(element));
    }
  }(std::move(view));
}

// The elements of a container that is ours: they are moved out.
template <std::ranges::input_range Range>
AsyncGenerator<std::ranges::range_value_t<Range>> ElementsOutOf(Range range) {
  using Element = std::ranges::range_value_t<Range>;
  for (auto&& element : range) co_yield Element(std::move(element));
}

// `elements`, whatever they are, as a source.
template <typename Elements>
auto SourceOf(Elements&& elements) {
  using Plain = std::remove_cvref_t<Elements>;
  if constexpr (!std::ranges::input_range<Elements>) {
    static_assert(!std::is_lvalue_reference_v<Elements>,
                  "std::move the generator: it is used up");
    return Plain(std::move(elements));
  } else if constexpr (std::is_lvalue_reference_v<Elements> ||
                       std::ranges::view<Plain>) {
    return ElementsIn(std::views::all(std::forward<Elements>(elements)));
  } else {
    return ElementsOutOf<Plain>(std::move(elements));
  }
}

template <typename Elements>
using SourceFor = decltype(SourceOf(std::declval<Elements>()));

// A range, an AsyncGenerator or a Transformed.
template <typename Elements>
concept Elemental = (std::ranges::input_range<Elements> ||
                     ElementSource<std::remove_cvref_t<Elements>>);

}  // namespace weft::sync

#endif  // WEFT_SYNC_ELEMENT_SOURCE_H_
