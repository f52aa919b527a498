// StealGate: who may take from a queue of a worker, its owner or one thief.
//
//     the owner                         a thief
//     1. inside_ = true                 1. thief_ = true, unless another is
//     2. thief_? then out again         2. inside_? then wait, or out again
//     ... takes ...                     ... takes ...
//     3. inside_ = false                3. thief_ = false
//
// A lock that is biased towards the owner, who passes millions of times between
// two thieves: where thieves pay for the barrier (steal_barrier.h) it costs the
// owner two plain stores and a load, and no atomic read-modify-write.
//
// Invariants
//   1. Owner and thief are never both between 2 and 3: each stores before it
//      looks, and one of them sees the other (steal_barrier.h).
//   2. The owner never waits: where it meets a thief it goes away, and does
//      something else. A thief waits for a moment only, since an owner that is
//      inside is a few instructions from the end, if it has its processor.
//   3. Whoever is let in sees all that was done inside before: 3 releases, and
//      2 acquires.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_STEAL_GATE_H_
#define WEFT_RUNTIME_INTERNAL_STEAL_GATE_H_

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/steal_barrier.h"

namespace weft::internal {

class StealGate {
 public:
  explicit StealGate(const StealBarrier& barrier) noexcept
      : barrier_(barrier) {}
  StealGate(const StealGate&) = delete;
  StealGate& operator=(const StealGate&) = delete;

  // Owner only. False: a thief is inside.
  [[nodiscard]] bool Enter() noexcept {
    if (!barrier_.OwnerStoresAndLoads(inside_, true, thief_)) [[likely]]
      return true;
    Leave();
    return false;
  }
  // Owner only. Requires: Enter() returned true.
  void Leave() noexcept {
    // release: pairs with the thief's load.
    inside_.store(false, std::memory_order_release);
  }

  // Any other thread. False: another thief is inside, or the owner does not
  // leave.
  [[nodiscard]] bool EnterAsThief() noexcept {
    // relaxed, and only to leave the owner its line while there is no way in.
    if (thief_.load(std::memory_order_relaxed)) return false;
    // seq_cst, as the load below: the order of steal_barrier.h. Between thieves
    // it acquires what the last one released.
    if (thief_.exchange(true, std::memory_order_seq_cst)) return false;
    if (barrier_.BetweenStoreAndLoad()) {
      for (int i = 0; i < kPatience; ++i) {
        if (!inside_.load(std::memory_order_seq_cst)) return true;
      }
    }
    LeaveAsThief();
    return false;
  }
  // Requires: EnterAsThief() returned true.
  void LeaveAsThief() noexcept {
    // release: pairs with the owner's load, and the next thief's exchange.
    thief_.store(false, std::memory_order_release);
  }

 private:
  // Loads: some hundred nanoseconds, a hundred times what the owner needs.
  static constexpr int kPatience = 256;

  const StealBarrier barrier_;
  Atomic<bool> inside_{false};  // Written by the owner.
  Atomic<bool> thief_{false};   // Written by thieves.
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_STEAL_GATE_H_
