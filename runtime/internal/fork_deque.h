// ForkDeque: the rests of a worker's forks, a bounded Chase-Lev deque.
//
//        top_ ->  [ oldest | ...     | newest ]  <- bottom_
//        thieves take here             the owner pushes and pops here
//
// Last in, first out for the owner: a fork that nobody stole from finds its own
// rest on top when its first child has finished.
//
// Chase and Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005; memory
// orders after Le et al., "Correct and Efficient Work-Stealing for Weak Memory
// Models", PPoPP 2013, with the paper's stand-alone fences folded into the
// operations beside them, since ThreadSanitizer cannot see fences; or, where
// thieves pay, left to them (steal_barrier.h).
//
// Invariants
//   1. Only the owner writes bottom_. top_ never decreases.
//   2. Index i belongs to whoever moves top_ from i to i + 1, or to the owner
//      if it lowers bottom_ to i while top_ < i.
//   3. Slots are atomics, so a thief that reads a slot and then loses the race
//      for it has read a stale pointer, not torn memory, and throws it away.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FORK_DEQUE_H_
#define WEFT_RUNTIME_INTERNAL_FORK_DEQUE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/runtime/internal/steal_barrier.h"

namespace weft::internal {

class ForkDeque {
 public:
  static constexpr std::int64_t kCapacity = 1024;

  explicit ForkDeque(Sharing sharing, const StealBarrier& barrier = {}) noexcept
      : sharing_(sharing), barrier_(barrier) {}
  ForkDeque(const ForkDeque&) = delete;
  ForkDeque& operator=(const ForkDeque&) = delete;

  // Owner only. False when full.
  [[nodiscard]] bool Push(Job& job) noexcept {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    // acquire: pairs with the compare-and-swap in Steal, so that the thief's
    // read of a slot happens before we overwrite that slot one lap later.
    const std::int64_t top = top_.load(std::memory_order_acquire);
    if (bottom - top >= kCapacity) return false;
    Slot(bottom).store(&job, std::memory_order_relaxed);
    // release: publishes the slot, and the job, to the thief that acquires this
    // value of bottom_.
    bottom_.store(bottom + 1, std::memory_order_release);
    return true;
  }

  // Owner only. Newest first; null when empty.
  Job* Pop() noexcept {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    // Nothing to take: leave without the barrier below. relaxed: top_ only
    // grows, so an old value can only make us look once more.
    if (top_.load(std::memory_order_relaxed) > bottom) return nullptr;
    if (sharing_ == Sharing::kSolo) return PopSolo(bottom);
    // A store-buffer pattern, with both loads in Steal: either the thief sees
    // our lower bottom_, or we see its higher top_. Any weaker and both may
    // miss, and one job runs twice.
    std::int64_t top = barrier_.OwnerStoresAndLoads(bottom_, bottom, top_);
    if (top > bottom) {  // A thief was faster: undo.
      // relaxed, here and below: the deque is empty at this value of bottom_,
      // so a thief that reads it gives up or fails its swap; it uses no slot.
      bottom_.store(bottom + 1, std::memory_order_relaxed);
      return nullptr;
    }
    Job* job = Slot(bottom).load(std::memory_order_relaxed);
    if (top == bottom) {  // The last one: a thief may want it too.
      if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
        job = nullptr;
      }
      bottom_.store(bottom + 1, std::memory_order_relaxed);
    }
    return job;
  }

  // Owner only. As Pop, if the newest is `job`; false, and nothing happened, if
  // it is another, or was stolen.
  bool PopIf(Job& job) noexcept {
    const std::int64_t newest = bottom_.load(std::memory_order_relaxed) - 1;
    // relaxed: as in Pop, and only the owner writes slots.
    if (top_.load(std::memory_order_relaxed) > newest ||
        Slot(newest).load(std::memory_order_relaxed) != &job) {
      return false;
    }
    if (sharing_ == Sharing::kShared) return Pop() != nullptr;
    bottom_.store(newest, std::memory_order_relaxed);
    return true;
  }

  // Any thread. Oldest first; null when empty or when another thread won.
  Job* Steal() noexcept {
    std::int64_t top = top_.load(std::memory_order_seq_cst);
    // Nothing to take: leave before the barrier.
    if (top >= bottom_.load(std::memory_order_relaxed)) return nullptr;
    // What counts as our store is the swap that made top_ what we have loaded.
    if (!barrier_.BetweenStoreAndLoad()) return nullptr;
    // Also acquires the slot published by Push.
    const std::int64_t bottom = bottom_.load(std::memory_order_seq_cst);
    if (top >= bottom) return nullptr;
    // Read before claiming: once top_ moves, the owner may reuse the slot.
    Job* const job = Slot(top).load(std::memory_order_relaxed);
    // seq_cst: takes part in the order argued in Pop. Failure needs no order;
    // we touch nothing afterwards.
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
      return nullptr;
    }
    return job;
  }

  // A hint, from any thread.
  bool empty() const noexcept {
    return top_.load(std::memory_order_relaxed) >=
           bottom_.load(std::memory_order_relaxed);
  }

 private:
  Job* PopSolo(std::int64_t bottom) noexcept {
    bottom_.store(bottom, std::memory_order_relaxed);
    return Slot(bottom).load(std::memory_order_relaxed);
  }
  Atomic<Job*>& Slot(std::int64_t index) noexcept {
    return slots_[static_cast<std::size_t>(index) % kCapacity];
  }

  // Thieves hammer top_, the owner hammers bottom_: keep them on two lines.
  const Sharing sharing_;
  const StealBarrier barrier_;
  alignas(kCacheLine) Atomic<std::int64_t> top_{0};
  alignas(kCacheLine) Atomic<std::int64_t> bottom_{0};
  alignas(kCacheLine) std::array<Atomic<Job*>, kCapacity> slots_{};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FORK_DEQUE_H_
