// RunQueue: a worker's fair queue. First in, first out.
//
//        head_ ->  [ oldest | ...        | newest ]  <- tail_
//        the owner pops here, one        the owner pushes here
//        thieves take here, half
//
// A ring with a fixed capacity; what does not fit goes to the injector.
//
// Invariants
//   1. Only the owner writes tail_ and the slots.
//   2. head_ is moved inside the gate (steal_gate.h): by the owner past one
//      job, by a thief past all it takes. Who has moved it past an index has
//      the job there.
//   3. A slot is overwritten only after head_ has passed it.
//
// A scheduler with one worker has no thieves, and needs no gate (kSolo).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_
#define WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/steal_gate.h"

namespace weft::internal {

class Job;

inline constexpr std::size_t kCacheLine = 64;

enum class Sharing : bool {
  kSolo,    // The scheduler has one worker: nobody steals.
  kShared,  // Thieves on other threads.
};

class RunQueue {
 public:
  static constexpr std::uint64_t kCapacity = 256;

  explicit RunQueue(Sharing sharing, const StealBarrier& barrier = {}) noexcept
      : sharing_(sharing), gate_(barrier) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Owner only. False when full.
  [[nodiscard]] bool Push(Job& job) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    // acquire: pairs with the release of a thief that has moved head_, so that
    // its reads of a slot happen before we overwrite it.
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    if (tail - head >= kCapacity) return false;
    Append(job, tail);
    return true;
  }

  // Owner only. As Push; false when empty, too: for a job that only wants to
  // let others go first.
  [[nodiscard]] bool PushBehindOthers(Job& job) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    // acquire: as in Push.
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    // One comparison for both ends: an empty queue wraps to the largest number.
    if (tail - head - 1 >= kCapacity - 1) return false;
    Append(job, tail);
    return true;
  }

  // Owner only. Oldest first; null when empty, or while a thief is inside.
  Job* Pop() noexcept {
    if (empty()) return nullptr;
    return sharing_ == Sharing::kSolo ? &PopSolo() : PopShared();
  }

  // Owner only. As Pop. Requires: kSolo, and not empty.
  Job& PopSolo() noexcept {
    return TakeOldest(head_.load(std::memory_order_relaxed));
  }

  // Owner only. As Pop. Requires: kShared.
  Job* PopShared() noexcept {
    if (!gate_.Enter()) return nullptr;
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    // Asked again: a thief may have left since the caller looked.
    Job* const job = head == tail_.load(std::memory_order_relaxed)
                         ? nullptr
                         : &TakeOldest(head);
    gate_.Leave();
    return job;
  }

  // Any thread but the owner's. Takes the older half, at least one: returns one
  // of them and hands the others to `keep`. Null when empty or in use.
  template <typename Keep>
  Job* StealHalf(Keep&& keep) noexcept {
    if (empty() || !gate_.EnterAsThief()) return nullptr;
    std::array<Job*, kCapacity / 2> taken;
    const std::uint64_t count = TakeOlderHalf(taken);
    gate_.LeaveAsThief();
    for (std::uint64_t i = 1; i < count; ++i) keep(*taken[i]);
    return count == 0 ? nullptr : taken[0];
  }

  // From any thread; a hint, but for the owner, who is told the truth where it
  // is empty: nobody else adds.
  bool empty() const noexcept {
    return tail_.load(std::memory_order_relaxed) <=
           head_.load(std::memory_order_relaxed);
  }
  // A hint, from any thread.
  std::uint64_t size() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return tail > head ? tail - head : 0;
  }

 private:
  void Append(Job& job, std::uint64_t tail) noexcept {
    slots_[tail % kCapacity].store(&job, std::memory_order_relaxed);
    // release: publishes the slot and the job to the thief that acquires tail_.
    tail_.store(tail + 1, std::memory_order_release);
  }

  // Inside the gate, as the next.
  Job& TakeOldest(std::uint64_t head) noexcept {
    // relaxed, both: the owner alone fills slots.
    Job& job = *slots_[head % kCapacity].load(std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_relaxed);
    return job;
  }
  std::uint64_t TakeOlderHalf(std::array<Job*, kCapacity / 2>& taken) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    // acquire: pairs with the release in Append.
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    const std::uint64_t count =
        std::min<std::uint64_t>((tail - head + 1) / 2, taken.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      taken[i] = slots_[(head + i) % kCapacity].load(std::memory_order_relaxed);
    }
    // release: our reads of the slots happen before the owner overwrites them.
    head_.store(head + count, std::memory_order_release);
    return count;
  }

  const Sharing sharing_;
  // Beside what it guards: the owner writes both at each pop.
  alignas(kCacheLine) StealGate gate_;
  Atomic<std::uint64_t> head_{0};
  alignas(kCacheLine) Atomic<std::uint64_t> tail_{0};
  alignas(kCacheLine) std::array<Atomic<Job*>, kCapacity> slots_{};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_
