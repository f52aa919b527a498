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

template <typename... Ts>
class BranchTuple {
 public:
  explicit BranchTuple(Task<Ts>... tasks) noexcept
      : branches_(std::move(tasks)...) {}

  Branch& first() noexcept { return std::get<0>(branches_); }
  // Called a few times for each fork; the compiler makes a jump table of it.
  Branch& operator[](int index) noexcept {
    Branch* found = nullptr;
    int i = 0;
    std::apply(
        [&](auto&... branch) {
          ((i++ == index ? void(found = &branch) : void()), ...);
        },
        branches_);
    return *found;
  }

  // Throws the first exception, if there is one. Braces order the calls.
  std::tuple<NonVoid<Ts>...> TakeResults() {
    return std::apply(
        [](auto&... branch) {
          return std::tuple<NonVoid<Ts>...>{TakeNonVoid(branch.result())...};
        },
        branches_);
  }

 private:
  std::tuple<BranchOf<Ts>...> branches_;
};

template <typename T>
class BranchArray {
 public:
  explicit BranchArray(std::vector<Task<T>> tasks)
      : size_(static_cast<int>(tasks.size())),
        branches_(static_cast<BranchOf<T>*>(AllocateFrame(bytes()))) {
    for (int i = 0; i < size_; ++i) {
      std::construct_at(&branches_[i], std::move(tasks[i]));
    }
  }
  BranchArray(const BranchArray&) = delete;
  BranchArray& operator=(const BranchArray&) = delete;
  ~BranchArray() {
    std::destroy_n(branches_, size_);
    FreeFrame(branches_, bytes());
  }

  int size() const noexcept { return size_; }
  Branch& first() noexcept { return branches_[0]; }
  Branch& operator[](int index) noexcept { return branches_[index]; }

  // Throws the first exception, if there is one.
  auto TakeResults() {
    if constexpr (std::is_void_v<T>) {
      for (int i = 0; i < size_; ++i) branches_[i].result().TakeResult();
    } else {
      std::vector<T> results;
      results.reserve(size_);
      for (int i = 0; i < size_; ++i) {
        results.push_back(branches_[i].result().TakeResult());
      }
      return results;
    }
  }

 private:
  std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(size_) * sizeof(BranchOf<T>);
  }

  // From the frame pool: it is made and freed as often as frames are.
  const int size_;
  BranchOf<T>* const branches_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_BRANCHES_H_
