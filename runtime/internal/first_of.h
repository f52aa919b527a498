// FirstOf: a fork whose first completion cancels the others. WhenAny and Race
// are made of it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FIRST_OF_H_
#define WEFT_RUNTIME_INTERNAL_FIRST_OF_H_

#include <cstddef>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/fork.h"

namespace weft::internal {

class FirstOf : public Fork {
 public:
  // The branches stay while we cancel them: ours has not been counted yet.
  Continuation BranchDone(Branch& completed, ThisThread& here) noexcept final {
    Branch* nobody = nullptr;
    // relaxed: decides who is first, and nothing is read through it before the
    // join.
    if (winner_.compare_exchange_strong(nobody, &completed,
                                        std::memory_order_relaxed)) {
      CancelAllBut(completed);
    }
    return Count(completed, here);
  }

  // The place of the winner among the branches.
  std::size_t winner() const noexcept {
    // relaxed: read after the join, which orders it.
    const Branch* const winner = winner_.load(std::memory_order_relaxed);
    std::size_t place = 0;
    for (Branch* it = first(); it != winner; it = it->sibling()) ++place;
    return place;
  }

 protected:
  using Fork::Fork;
  ~FirstOf() = default;

 private:
  void CancelAllBut(Branch& winner) noexcept {
    for (Branch* it = first(); it != nullptr; it = it->sibling()) {
      if (it != &winner) it->Cancel();
    }
  }

  Atomic<Branch*> winner_{nullptr};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FIRST_OF_H_
