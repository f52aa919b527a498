// Injector: the queue that all workers share. What did not fit into a worker's
// own queue waits here, first in, first out.
//
// A list under a lock: it is met only when 256 jobs are queued on one worker, a
// batch at a time, and then a lock a batch costs less than a lock-free queue.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_INJECTOR_H_
#define WEFT_RUNTIME_INTERNAL_INJECTOR_H_

#include <cstddef>

#include "weft/reactor/spin_lock.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/run_queue.h"

namespace weft::internal {

// A queue linked through Job::next. Not thread-safe.
class JobList {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }

  void PushBack(Job& job) noexcept {
    job.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &job;
    last_ = &job;
    ++size_;
  }
  Job* PopFront() noexcept {
    Job* const job = first_;
    if (job == nullptr) return nullptr;
    first_ = job->next;
    --size_;
    return job;
  }

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;  // Meaningful while first_ is not null.
  std::size_t size_ = 0;
};

class Injector {
 public:
  // Any thread. Takes all of `jobs`.
  void Push(JobList& jobs) noexcept;
  // Any thread. At most `limit` jobs, oldest first.
  JobList Take(std::size_t limit) noexcept;

  // seq_cst: a worker about to sleep reads it after it has announced its sleep
  // (idle.h); an older value elsewhere only delays.
  bool empty() const noexcept {
    return size_.load(std::memory_order_seq_cst) == 0;
  }

 private:
  reactor::SpinLock lock_;
  JobList jobs_;                                     // Guarded by lock_.
  alignas(kCacheLine) Atomic<std::size_t> size_{0};  // Written under lock_.
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_INJECTOR_H_
