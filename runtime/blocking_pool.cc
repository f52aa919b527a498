// The pool's threads and its queue.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/blocking_pool.h"

#include <new>
#include <utility>

#include "weft/reactor/signal_mask.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"
#include "weft/runtime/out_of_memory.h"

namespace weft::internal {

BlockingPool::Submitted BlockingPool::SubmitIf(
    BlockingWork& work, absl::FunctionRef<bool()> publish) {
  std::unique_lock lock(mutex_);
  // A thread first: if the system refuses one, nothing has been published, and
  // where others are busy they will get to it.
  const bool wanted = queued_ >= coming_ && idle_.empty();
  const int busy = static_cast<int>(busy_.size());
  if (wanted && busy < max_threads_ && !StartThread() && busy == 0) {
    return Submitted::kNoThread;
  }
  if (!publish()) return Submitted::kNotPublished;
  work.previous_ = last_;
  work.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &work;
  last_ = &work;
  work.queued_ = true;
  if (++queued_ <= coming_ || idle_.empty()) return Submitted::kYes;
  Thread& called = CallFirstIdle();
  lock.unlock();
  called.called.notify_one();
  return Submitted::kYes;
}

bool BlockingPool::StartThread() {
  try {
    if (spare_.empty()) spare_.emplace_back();
    const Threads::iterator self = spare_.begin();
    // It waits for the lock.
    self->thread = std::thread([this, self] { RunThread(self); });
    busy_.splice(busy_.begin(), spare_, self);
    ++coming_;
    return true;
  } catch (...) {  // No memory, or none of the system's threads is left.
    return false;
  }
}

BlockingPool::Thread& BlockingPool::CallFirstIdle() noexcept {
  Thread& thread = idle_.front();
  thread.is_idle = false;
  busy_.splice(busy_.begin(), idle_, idle_.begin());
  ++coming_;
  return thread;
}

bool BlockingPool::TakeBack(BlockingWork& work) noexcept {
  std::lock_guard lock(mutex_);
  if (!work.queued_) return false;
  (work.previous_ != nullptr ? work.previous_->next_ : first_) = work.next_;
  (work.next_ != nullptr ? work.next_->previous_ : last_) = work.previous_;
  work.queued_ = false;
  --queued_;
  return true;
}

int BlockingPool::idle_threads() noexcept {
  std::lock_guard lock(mutex_);
  return static_cast<int>(idle_.size());
}

void BlockingPool::RunThread(Threads::iterator self) {
  const reactor::BrokenPipesAreErrors guard;
  std::unique_lock lock(mutex_);
  --coming_;
  for (;;) {
    if (first_ != nullptr) {
      RunFirst(lock);
    } else if (stopping_) {
      return;
    } else if (!WaitToBeCalled(lock, self)) {
      return Retire(lock, self);
    }
  }
}

void BlockingPool::RunFirst(std::unique_lock<std::mutex>& lock) {
  BlockingWork& work = *first_;
  first_ = work.next_;
  (first_ != nullptr ? first_->previous_ : last_) = nullptr;
  work.queued_ = false;
  --queued_;
  lock.unlock();
  busy_threads_.fetch_add(1, std::memory_order_relaxed);
  work.RunAndFinish();
  busy_threads_.fetch_sub(1, std::memory_order_relaxed);
  lock.lock();
}

// False: nobody has called for long, and it is among those that have ended.
bool BlockingPool::WaitToBeCalled(std::unique_lock<std::mutex>& lock,
                                  Threads::iterator self) {
  self->is_idle = true;
  idle_.splice(idle_.begin(), busy_, self);
  if (self->called.wait_for(lock, idle_time_,
                            [self] { return !self->is_idle; })) {
    --coming_;
    return true;
  }
  ended_.splice(ended_.end(), idle_, self);
  return false;
}

// A thread that ends joins those that ended before it, so that at most one is
// left over, with its stack.
void BlockingPool::Retire(std::unique_lock<std::mutex>& lock,
                          Threads::iterator self) {
  Threads before;
  before.splice(before.end(), ended_, ended_.begin(), self);
  lock.unlock();
  for (Thread& each : before) each.thread.join();
  lock.lock();
  spare_.splice(spare_.end(), before);
}

void BlockingPool::Stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    while (!idle_.empty()) CallFirstIdle().called.notify_one();
  }
  // From here on nobody becomes idle, or ends but by returning: the two lists
  // stand still.
  for (Thread& each : busy_) each.thread.join();
  for (Thread& each : ended_) each.thread.join();
  busy_.clear();
  ended_.clear();
}

// --- The wait ---------------------------------------------------------------

namespace {

BlockingPool& PoolHere() noexcept {
  return Here().worker->scheduler().blocking_pool();
}

absl::Status NoThreadError() noexcept {
  try {
    return absl::ResourceExhaustedError(
        "start a thread for a blocking call: the system refuses it");
  } catch (const std::bad_alloc&) {
    return OutOfMemoryError();
  }
}

}  // namespace

// In a simulation there is no wait; but after many calls, behind the last of
// them, others have a turn.
bool BlockingLeaf::await_ready() noexcept {
  const Entry entry = EnterOperation();
  if (entry == Entry::kCancelled) {
    status_ = CancelledError();
    return true;
  }
  if (entry == Entry::kQueueFirst || !PoolHere().runs_inline()) return false;
  Call();
  return true;
}

bool BlockingLeaf::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  BlockingPool& pool = PoolHere();
  if (pool.runs_inline()) {
    Call();
    ScheduleFairly();  // From here on `*this` may be gone.
    return true;
  }
  pool_ = &pool;
  switch (pool.SubmitIf(*this, [this] { return Publish(); })) {
    case BlockingPool::Submitted::kYes:
      return true;  // From here on `*this` may be gone.
    case BlockingPool::Submitted::kNotPublished:
      status_ = CancelledError();
      break;
    case BlockingPool::Submitted::kNoThread:
      status_ = NoThreadError();
      break;
  }
  pool_ = nullptr;
  return false;
}

void BlockingLeaf::Cancel() noexcept {
  if (!pool_->TakeBack(*this)) return;  // It has begun: its thread wakes us.
  status_ = CancelledError();
  Schedule();
}

absl::Status BlockingLeaf::EndWait() noexcept {
  pool_ = nullptr;
  return std::move(status_);
}

// Still queued only in the frame of a runtime that has stopped.
BlockingLeaf::~BlockingLeaf() {
  if (pool_ != nullptr) pool_->TakeBack(*this);
}

}  // namespace weft::internal
