// StealBarrier: the order between what a worker does to its queues many million
// times a second, and what a thief does to them now and then.
//
//     the owner                         a thief
//     1. stores to a word of its own    1. stores to the thieves' word
//     2. loads the thieves' word        2. loads the owner's word
//
// One of the two must see the other's store, or one job runs twice. Nothing
// but a full barrier between 1 and 2, on either side, keeps a processor from
// loading first. There are two forms:
//
//   both pay       1 and 2 are seq_cst, for which x86 makes the owner's store
//                  an exchange: 6 ns, whether a thief comes or not.
//   thieves pay    The owner keeps the compiler from swapping 1 and 2, and pays
//                  nothing. The thief calls membarrier(2) between its own two:
//                  before that returns, every other thread of the process has
//                  passed a full barrier B. Where B comes after the owner's 1,
//                  the thief's 2 sees that store; where it comes before, the
//                  owner's 2 is after B, and sees the thief's 1.
//
// The thief's operations are seq_cst in both forms. The call interrupts every
// processor that runs a thread of this process, and the more workers, the more
// thieves: so it is for few of them (scheduler.h says how many). Where the
// system has no such call both pay.
//
// What is published through the words is published by release and acquire, in
// both forms; the call only decides who goes first. So the thread sanitizer,
// which knows nothing of it, still sees all that it has to.
//
// Dice, Huang and Yang, "Asymmetric Dekker Synchronization", 2001;
// membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_STEAL_BARRIER_H_
#define WEFT_RUNTIME_INTERNAL_STEAL_BARRIER_H_

#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"

namespace weft::internal {

class StealBarrier {
 public:
  // Both pay.
  StealBarrier() = default;
  // Thieves pay, if `system` can do it; else both. Borrows it.
  static StealBarrier PaidByThieves(reactor::System& system) noexcept {
    if (system.membarrier_register() != 0) return {};
    return StealBarrier(system);
  }

  bool thieves_pay() const noexcept { return system_ != nullptr; }

  // The owner's 1 and 2. What it loads it acquires.
  template <typename Mine, typename Theirs>
  Theirs OwnerStoresAndLoads(Atomic<Mine>& mine, Mine value,
                             const Atomic<Theirs>& theirs) const noexcept {
    if (thieves_pay()) [[likely]] {
      // release: pairs with the thief's load, for what the owner has published
      // before. That the load sees the store at all is the call's doing.
      mine.store(value, std::memory_order_release);
      // To the compiler alone: no instruction, and so nothing that a sanitizer
      // could miss.
      std::atomic_signal_fence(std::memory_order_seq_cst);
      return theirs.load(std::memory_order_acquire);
    }
    mine.store(value, std::memory_order_seq_cst);
    return theirs.load(std::memory_order_seq_cst);
  }

  // A thief, between its seq_cst 1 and its seq_cst 2. False: the system has
  // refused the call (a filter that was installed since it was registered for,
  // no memory), and nothing may be taken.
  [[nodiscard]] bool BetweenStoreAndLoad() const noexcept {
    return !thieves_pay() || system_->membarrier() == 0;
  }

 private:
  explicit StealBarrier(reactor::System& system) noexcept : system_(&system) {}

  reactor::System* system_ = nullptr;  // Null: both pay.
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_STEAL_BARRIER_H_
