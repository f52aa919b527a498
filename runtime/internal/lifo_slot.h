// LifoSlot: the one job that a worker has just woken, and runs next.
//
// Its owner fills and empties it at nearly every wake, so both go through a
// gate that is biased towards it; a thief takes the job only from an owner that
// is stuck (worker.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_LIFO_SLOT_H_
#define WEFT_RUNTIME_INTERNAL_LIFO_SLOT_H_

#include <utility>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/run_queue.h"
#include "weft/runtime/internal/steal_gate.h"

namespace weft::internal {

class LifoSlot {
 public:
  LifoSlot(Sharing sharing, const StealBarrier& barrier) noexcept
      : sharing_(sharing), gate_(barrier) {}

  // Owner only. Answers who needs another place: the job that was there, or,
  // while a thief is at the slot, `job` itself. Null: nobody.
  [[nodiscard]] Job* Put(Job& job) noexcept {
    if (sharing_ == Sharing::kSolo) return Exchange(&job);
    if (!gate_.Enter()) return &job;
    Job* const previous = Exchange(&job);
    gate_.Leave();
    return previous;
  }

  // Owner only. Null: empty, or a thief is at the slot.
  Job* Take() noexcept {
    if (empty()) return nullptr;
    if (sharing_ == Sharing::kSolo) return Exchange(nullptr);
    if (!gate_.Enter()) return nullptr;
    Job* const job = Exchange(nullptr);
    gate_.Leave();
    return job;
  }

  // Any other thread. Null: empty, or in use.
  Job* Steal() noexcept {
    if (empty() || !gate_.EnterAsThief()) return nullptr;
    Job* const job = Exchange(nullptr);
    gate_.LeaveAsThief();
    return job;
  }

  // From any thread; a hint, but for the owner, who is told the truth where it
  // is empty: nobody else fills it.
  bool empty() const noexcept {
    return job_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  // relaxed, and no exchange in fact: the gate keeps everybody else out, and
  // orders. An Atomic for the sake of empty().
  Job* Exchange(Job* next) noexcept {
    Job* const previous = job_.load(std::memory_order_relaxed);
    job_.store(next, std::memory_order_relaxed);
    return previous;
  }

  const Sharing sharing_;
  StealGate gate_;
  Atomic<Job*> job_{nullptr};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_LIFO_SLOT_H_
