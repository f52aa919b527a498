// ArmSet: the arms of a Select whose number is known at run time only.
//
//     ArmSet readers(channels.size(), [&](std::size_t i) {
//       return OnReceive(*channels[i], [&, i](absl::StatusOr<int> value) {
//         ...
//       });
//     });
//     while (...) co_await OrReturn(Select(readers));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_ARM_SET_H_
#define WEFT_RUNTIME_ARM_SET_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "weft/runtime/selection.h"

namespace weft {

template <std::derived_from<Arm> A>
class ArmSet {
 public:
  // Holds make(0) to make(count - 1), which are made where they stay.
  // Cost: an allocation for each; none by a Select.
  template <std::invocable<std::size_t> Make>
  ArmSet(std::size_t count, Make make) {
    owned_.reserve(count);
    arms_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      owned_.emplace_back(new A(make(i)));
      arms_.push_back(owned_.back().get());
    }
  }

  A& operator[](std::size_t index) noexcept { return *owned_[index]; }
  std::size_t size() const noexcept { return owned_.size(); }
  std::span<Arm* const> arms() const noexcept { return arms_; }

 private:
  std::vector<std::unique_ptr<A>> owned_;
  std::vector<Arm*> arms_;
};

template <typename Make>
ArmSet(std::size_t, Make) -> ArmSet<std::invoke_result_t<Make&, std::size_t>>;

}  // namespace weft

#endif  // WEFT_RUNTIME_ARM_SET_H_
