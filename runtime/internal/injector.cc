// The shared queue's two operations.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/injector.h"

#include <mutex>

namespace weft::internal {

void Injector::Push(JobList& jobs) noexcept {
  std::lock_guard lock(lock_);
  while (Job* const job = jobs.PopFront()) jobs_.PushBack(*job);
  size_.store(jobs_.size(), std::memory_order_seq_cst);
}

JobList Injector::Take(std::size_t limit) noexcept {
  JobList taken;
  if (empty()) return taken;
  std::lock_guard lock(lock_);
  while (taken.size() < limit) {
    Job* const job = jobs_.PopFront();
    if (job == nullptr) break;
    taken.PushBack(*job);
  }
  size_.store(jobs_.size(), std::memory_order_seq_cst);
  return taken;
}

}  // namespace weft::internal
