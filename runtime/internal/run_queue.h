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
//   2. Index i belongs to whoever moved head_ past it: the owner by one
//      fetch_add, a thief by a compare-and-swap over all it takes.
//   3. head_ may run one past tail_: the owner saw an item, a thief was faster,
//      and the owner puts head_ back. Nobody else moves it meanwhile, since the
//      queue looks empty to them.
//   4. A slot is overwritten only after head_ has passed it; a thief that read
//      a slot and then lost has read a stale pointer and throws it away.
//
// fetch_add costs the owner 6 ns here, a compare-and-swap 11. A scheduler with
// one worker has no thieves and uses neither (kSolo).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_
#define WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "weft/runtime/atomic.h"

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

  explicit RunQueue(Sharing sharing) noexcept : sharing_(sharing) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Owner only. False when full.
  [[nodiscard]] bool Push(Job& job) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    // acquire: pairs with the release half of the thieves' compare-and-swap, so
    // that their reads of a slot happen before we overwrite it.
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

  // Owner only. Oldest first; null when empty.
  Job* Pop() noexcept {
    if (empty()) return nullptr;
    return sharing_ == Sharing::kSolo ? &PopSolo() : PopShared();
  }

  // Owner only. As Pop. Requires: kSolo, and not empty.
  Job& PopSolo() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_relaxed);
    return *slots_[head % kCapacity].load(std::memory_order_relaxed);
  }

  // Owner only. As Pop, and null when thieves took the last one after the
  // caller looked. Requires: kShared, and that it was not empty.
  Job* PopShared() noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    // acquire: pairs with the release of thieves, as in Push. relaxed would do
    // for the slot itself, which we wrote.
    const std::uint64_t head = head_.fetch_add(1, std::memory_order_acquire);
    if (head == tail) {  // Invariant 3.
      head_.store(tail, std::memory_order_relaxed);
      return nullptr;
    }
    return slots_[head % kCapacity].load(std::memory_order_relaxed);
  }

  // Any thread but the owner's. Takes the older half, at least one: returns one
  // of them and hands the others to `keep`. Null when empty or beaten.
  template <typename Keep>
  Job* StealHalf(Keep&& keep) noexcept {
    std::array<Job*, kCapacity / 2> taken;
    std::uint64_t head = head_.load(std::memory_order_acquire);
    // acquire: pairs with the release in Push.
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    if (static_cast<std::int64_t>(tail - head) <= 0) return nullptr;
    std::uint64_t count = (tail - head + 1) / 2;
    if (count > taken.size()) count = taken.size();
    for (std::uint64_t i = 0; i < count; ++i) {
      taken[i] = slots_[(head + i) % kCapacity].load(std::memory_order_relaxed);
    }
    // release: our reads of the slots happen before the owner overwrites them.
    if (!head_.compare_exchange_strong(head, head + count,
                                       std::memory_order_acq_rel,
                                       std::memory_order_relaxed)) {
      return nullptr;
    }
    for (std::uint64_t i = 1; i < count; ++i) keep(*taken[i]);
    return taken[0];
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

  const Sharing sharing_;
  alignas(kCacheLine) Atomic<std::uint64_t> head_{0};
  alignas(kCacheLine) Atomic<std::uint64_t> tail_{0};
  alignas(kCacheLine) std::array<Atomic<Job*>, kCapacity> slots_{};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_RUN_QUEUE_H_
