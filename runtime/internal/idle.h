// Idle: who searches, who sleeps, and whom a new job wakes.
//
// Waking a thread that sleeps on another core costs the waker 12 microseconds
// on the machines we measured, and reaches it after 40; a job takes 10
// nanoseconds. So a wake is rare, and never lost:
//
//     a pusher                        a worker that goes to sleep
//     1. stores the job               1. sets its bit in sleepers_
//     2. reads sleepers_              2. reads every queue
//
// Both are seq_cst, so in their single total order one comes first: either the
// pusher sees the bit and wakes, or the worker sees the job and stays. The one
// who clears a bit owes the wake, so a sleeper is woken once, not by everyone.
//
// That protocol is for jobs that nobody else would run: an inbox, the injector.
// A worker's own queue needs none: its owner is awake. Whether a sibling should
// help is decided in the worker's regular check, and by the watch.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_IDLE_H_
#define WEFT_RUNTIME_INTERNAL_IDLE_H_

#include <bit>
#include <cstdint>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/run_queue.h"

namespace weft::internal {

class Idle {
 public:
  static constexpr int kMaxWorkers = 64;
  static constexpr int kNobody = -1;

  // A worker announces its sleep, and must look into every queue afterwards.
  void Announce(int worker) noexcept {
    sleepers_.fetch_or(Bit(worker), std::memory_order_seq_cst);
  }
  // The worker is up again. False: a waker has cleared the bit already, and its
  // Poller::Wake is on the way or has arrived.
  bool Withdraw(int worker) noexcept {
    return (sleepers_.fetch_and(~Bit(worker), std::memory_order_seq_cst) &
            Bit(worker)) != 0;
  }

  // Claims `worker` if it sleeps: the caller owes it a Poller::Wake.
  [[nodiscard]] bool Claim(int worker) noexcept {
    if ((sleepers_.load(std::memory_order_seq_cst) & Bit(worker)) == 0) {
      return false;
    }
    return Withdraw(worker);
  }
  // Claims any sleeper; kNobody when all are up.
  [[nodiscard]] int ClaimAny() noexcept {
    for (;;) {
      const std::uint64_t asleep = sleepers_.load(std::memory_order_seq_cst);
      if (asleep == 0) return kNobody;
      const int worker = std::countr_zero(asleep);
      if (Withdraw(worker)) return worker;
    }
  }

  // Hints, from any thread.
  bool anyone_asleep() const noexcept {
    return sleepers_.load(std::memory_order_relaxed) != 0;
  }
  int sleepers() const noexcept {
    return std::popcount(sleepers_.load(std::memory_order_relaxed));
  }
  bool is_asleep(int worker) const noexcept {
    return (sleepers_.load(std::memory_order_relaxed) & Bit(worker)) != 0;
  }

  // A worker without work looks into its siblings' queues. At most half of them
  // do so at a time: false tells the caller to sleep instead.
  bool BeginSearch(int workers) noexcept {
    if (searchers_.load(std::memory_order_relaxed) * 2 >= workers) return false;
    // relaxed: a throttle; nothing is published through it.
    searchers_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  // True if the caller was the last searcher: if it found work, it wakes one
  // more, so that a burst spreads.
  bool EndSearch() noexcept {
    return searchers_.fetch_sub(1, std::memory_order_relaxed) == 1;
  }
  bool anyone_searching() const noexcept {
    return searchers_.load(std::memory_order_relaxed) != 0;
  }

 private:
  static std::uint64_t Bit(int worker) noexcept {
    return std::uint64_t{1} << worker;
  }

  alignas(kCacheLine) Atomic<std::uint64_t> sleepers_{0};
  alignas(kCacheLine) Atomic<int> searchers_{0};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_IDLE_H_
