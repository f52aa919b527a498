// The branches of a fork in one place: a tuple of different ones, or an array
// of one type.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_BRANCHES_H_
#define WEFT_RUNTIME_INTERNAL_BRANCHES_H_

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/internal/frame_pool.h"
#include "weft/runtime/internal/join.h"

namespace weft::internal {

// A void among values.
template <typename T>
using NonVoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <typename T>
NonVoid<T> TakeNonVoid(ReturnSlot<T>& slot) {
  if constexpr (std::is_void_v<T>) {
    slot.TakeResult();
    return {};
  } else {
    return slot.TakeResult();
  }
}

template <typename T>
void ThrowWhatEscaped(const ReturnSlot<T>& slot) {
  if (slot.has_exception()) std::rethrow_exception(slot.exception());
}

// Any number of tasks of one type: a std::vector, or what else knows its size.
// It owns them, since they are taken out of it: no view, and no lvalue.
template <typename Tasks, typename T>
concept TasksOf =
    !std::is_lvalue_reference_v<Tasks> && std::ranges::sized_range<Tasks> &&
    !std::ranges::view<std::remove_cvref_t<Tasks>> &&
    std::same_as<std::ranges::range_reference_t<Tasks>, Task<T>&>;

// Is given the results of tasks, one by one.
template <typename Take, typename T>
concept TakesResultsOf =
    std::is_void_v<std::invoke_result_t<Take&, NonVoid<T>>>;

template <std::ranges::range Tasks>
using ResultOfEach = typename std::ranges::range_value_t<Tasks>::Result;

// Once the results are taken there is nothing in the branches that anybody
// would have to destroy: their children have completed and are gone. So they
// lie in a union, and a fork that has ended asks one question instead of one
// for each child, and each result, and each vtable.
template <typename JoinOfBranches, typename... Ts>
class BranchTuple {
 public:
  explicit BranchTuple(Task<Ts>... tasks) noexcept
      : branches_(std::move(tasks)...) {
    std::apply(
        [](auto& first, auto&... others) {
          Branch* last = &first;
          ((last->set_sibling(others), last = &others), ...);
        },
        branches_);
  }

  BranchTuple(const BranchTuple&) = delete;
  BranchTuple& operator=(const BranchTuple&) = delete;
  ~BranchTuple() {
    if (!taken_) std::destroy_at(&branches_);
  }

  Branch& first() noexcept { return std::get<0>(branches_); }

  // Throws the first exception, if there is one. Braces order the calls.
  std::tuple<NonVoid<Ts>...> TakeResults() {
    return std::apply(
        [this](auto&... branch) {
          std::tuple<NonVoid<Ts>...> results{TakeNonVoid(branch.result())...};
          taken_ = true;
          return results;
        },
        branches_);
  }

  // The result at `place`: of the type that all have, or a variant with one
  // alternative for each. The others die with the branches. Throws what escaped
  // from the one at `place`, or else the first exception, if there is one.
  template <typename Result>
  Result TakeOnly(std::size_t place) {
    Result result = TakeAt<Result, 0>(place);
    std::apply(
        [](auto&... branch) { (ThrowWhatEscaped(branch.result()), ...); },
        branches_);
    return result;
  }

 private:
  template <typename Result, std::size_t kPlace>
  Result TakeAt(std::size_t place) {
    if constexpr (kPlace + 1 < sizeof...(Ts)) {
      if (place != kPlace) return TakeAt<Result, kPlace + 1>(place);
    }
    auto& slot = std::get<kPlace>(branches_).result();
    if constexpr (std::same_as<Result, decltype(TakeNonVoid(slot))>) {
      return TakeNonVoid(slot);
    } else {
      return Result(std::in_place_index<kPlace>, TakeNonVoid(slot));
    }
  }

  union {
    std::tuple<BranchOf<Ts, JoinOfBranches>...> branches_;
  };
  bool taken_ = false;
};

template <typename JoinOfBranches, typename T>
class BranchArray {
 public:
  // Takes the tasks out of `tasks`, which is cleared where it can be.
  template <TasksOf<T> Tasks>
  explicit BranchArray(Tasks&& tasks)
      : size_(static_cast<int>(std::ranges::size(tasks))),
        branches_(
            static_cast<BranchOf<T, JoinOfBranches>*>(AllocateFrame(bytes()))) {
    int i = 0;
    for (Task<T>& task : tasks) {
      ABSL_RAW_CHECK(static_cast<bool>(task),
                     "a task is awaited that was moved from: put each into one "
                     "container, and await that once");
      std::construct_at(&branches_[i], std::move(task));
      if (i > 0) branches_[i - 1].set_sibling(branches_[i]);
      ++i;
    }
    if constexpr (requires { tasks.clear(); }) tasks.clear();
  }
  BranchArray(const BranchArray&) = delete;
  BranchArray& operator=(const BranchArray&) = delete;
  ~BranchArray() {
    if (!taken_) std::destroy_n(branches_, size_);
    FreeFrame(branches_, bytes());
  }

  int size() const noexcept { return size_; }
  Branch& first() noexcept { return branches_[0]; }

  // Gives the results to `take`, in order. Throws the first exception, if there
  // is one, and then takes no more.
  template <TakesResultsOf<T> Take>
  void TakeEach(Take take) {
    for (int i = 0; i < size_; ++i) take(TakeNonVoid(branches_[i].result()));
    taken_ = true;
  }

  // As BranchTuple::TakeOnly.
  NonVoid<T> TakeOnly(std::size_t place) {
    NonVoid<T> result = TakeNonVoid(branches_[place].result());
    for (int i = 0; i < size_; ++i) ThrowWhatEscaped(branches_[i].result());
    return result;
  }

  // As TakeEach, all of them in a vector; nothing for void.
  auto TakeResults() {
    if constexpr (std::is_void_v<T>) {
      TakeEach([](std::monostate) {});
    } else {
      std::vector<T> results;
      results.reserve(size_);
      TakeEach([&results](T result) { results.push_back(std::move(result)); });
      return results;
    }
  }

 private:
  std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(size_) *
           sizeof(BranchOf<T, JoinOfBranches>);
  }

  // From the frame pool: it is made and freed as often as frames are.
  const int size_;
  bool taken_ = false;
  BranchOf<T, JoinOfBranches>* const branches_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_BRANCHES_H_
