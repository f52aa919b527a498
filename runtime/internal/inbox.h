// Inbox: what other threads leave for a worker. Wakes from plain threads, from
// other runtimes, and tasks spawned from outside.
//
// A lock-free stack (Treiber, IBM RJ 5118, 1986) that is only ever emptied as a
// whole, by one exchange; that is why it has no ABA problem. The taker turns it
// round, so each sender's jobs come out in the order it sent them. Siblings may
// empty it too, when its owner is stuck.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_INBOX_H_
#define WEFT_RUNTIME_INTERNAL_INBOX_H_

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/injector.h"
#include "weft/runtime/internal/job.h"

namespace weft::internal {

class Inbox {
 public:
  // Any thread.
  void Push(Job& job) noexcept {
    Job* top = top_.load(std::memory_order_relaxed);
    do {
      job.next = top;
      // seq_cst: the job before the sleepers' word, see idle.h. It releases the
      // job to the exchange in TakeAll, too.
    } while (!top_.compare_exchange_weak(top, &job, std::memory_order_seq_cst,
                                         std::memory_order_relaxed));
  }

  // Any thread. Oldest first.
  JobList TakeAll() noexcept {
    JobList jobs;
    if (empty()) return jobs;
    // acquire: pairs with the release in Push.
    Job* newest = top_.exchange(nullptr, std::memory_order_acquire);
    Job* oldest = nullptr;
    while (newest != nullptr) {
      Job* const older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    while (oldest != nullptr) {
      Job* const newer = oldest->next;
      jobs.PushBack(*oldest);
      oldest = newer;
    }
    return jobs;
  }

  // seq_cst: read by a worker that has announced its sleep, see idle.h.
  bool empty() const noexcept {
    return top_.load(std::memory_order_seq_cst) == nullptr;
  }

 private:
  Atomic<Job*> top_{nullptr};
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_INBOX_H_
