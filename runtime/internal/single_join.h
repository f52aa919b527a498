// SingleJoin: a scope with one child, awaited. The common part of WithTimeout
// and Shield.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SINGLE_JOIN_H_
#define WEFT_RUNTIME_INTERNAL_SINGLE_JOIN_H_

#include <coroutine>
#include <utility>

#include "weft/runtime/internal/join.h"

namespace weft::internal {

template <typename T>
class SingleJoin : public Join {
 public:
  explicit SingleJoin(Task<T> child) noexcept : branch_(std::move(child)) {}

  bool await_ready() const noexcept { return false; }
  void TearDownChildren() noexcept override { branch_.TearDown(); }

 protected:
  ~SingleJoin() = default;

  std::coroutine_handle<> StartChild(ThisThread& here) noexcept {
    return Transfer(branch_.Start(*this, here).Resolve(here));
  }

  BranchOf<T> branch_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_SINGLE_JOIN_H_
