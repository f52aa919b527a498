// The branches of a fork in one place: a tuple of different ones, or an array
// of one type.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_BRANCHES_H_
#define WEFT_RUNTIME_INTERNAL_BRANCHES_H_

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

 private:
  union {
    std::tuple<BranchOf<Ts, JoinOfBranches>...> branches_;
  };
  bool taken_ = false;
};

template <typename JoinOfBranches, typename T>
class BranchArray {
 public:
  explicit BranchArray(std::vector<Task<T>> tasks)
      : size_(static_cast<int>(tasks.size())),
        branches_(
            static_cast<BranchOf<T, JoinOfBranches>*>(AllocateFrame(bytes()))) {
    for (int i = 0; i < size_; ++i) {
      std::construct_at(&branches_[i], std::move(tasks[i]));
      if (i > 0) branches_[i - 1].set_sibling(branches_[i]);
    }
  }
  BranchArray(const BranchArray&) = delete;
  BranchArray& operator=(const BranchArray&) = delete;
  ~BranchArray() {
    if (!taken_) std::destroy_n(branches_, size_);
    FreeFrame(branches_, bytes());
  }

  int size() const noexcept { return size_; }
  Branch& first() noexcept { return branches_[0]; }

  // Throws the first exception, if there is one.
  auto TakeResults() {
    if constexpr (std::is_void_v<T>) {
      for (int i = 0; i < size_; ++i) branches_[i].result().TakeResult();
      taken_ = true;
    } else {
      std::vector<T> results;
      results.reserve(size_);
      for (int i = 0; i < size_; ++i) {
        results.push_back(branches_[i].result().TakeResult());
      }
      taken_ = true;
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
