// The pool's threads and its queue.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/blocking_pool.h"

#include <chrono>
#include <new>
#include <utility>

#include "weft/reactor/signal_mask.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"

namespace weft::internal {
namespace {

constexpr std::chrono::seconds kIdleTime{10};

}  // namespace

BlockingPool::Submitted BlockingPool::SubmitIf(
    BlockingWork& work, absl::FunctionRef<bool()> publish) {
  std::unique_lock lock(mutex_);
  // A thread first: if the system refuses one, nothing has been published, and
  // where others run already they will get to it.
  if (queued_ >= idle_threads_ &&
      static_cast<int>(threads_.size()) < max_threads_) {
    auto self = threads_.end();
    try {
      self = threads_.emplace(threads_.end());
      *self = std::thread([this, self] { RunThread(self); });
    } catch (...) {
      if (self != threads_.end()) threads_.erase(self);
      if (threads_.empty()) return Submitted::kNoThread;
    }
  }
  if (!publish()) return Submitted::kNotPublished;
  work.previous_ = last_;
  work.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &work;
  last_ = &work;
  work.queued_ = true;
  ++queued_;
  lock.unlock();
  work_or_stop_.notify_one();
  return Submitted::kYes;
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

void BlockingPool::RunThread(std::list<std::thread>::iterator self) {
  const reactor::BrokenPipesAreErrors guard;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_threads_;
    const bool called = work_or_stop_.wait_for(
        lock, kIdleTime, [this] { return first_ != nullptr || stopping_; });
    --idle_threads_;
    if (first_ == nullptr) {
      if (!called) Retire(lock, self);
      return;
    }
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
}

// A thread that ends joins the one that ended before it, so that at most one
// is left over, with its stack.
void BlockingPool::Retire(std::unique_lock<std::mutex>& lock,
                          std::list<std::thread>::iterator self) {
  std::list<std::thread> before;
  before.swap(ended_);
  ended_.splice(ended_.end(), threads_, self);
  lock.unlock();
  for (std::thread& thread : before) thread.join();
}

void BlockingPool::Stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_or_stop_.notify_all();
  // Threads move themselves between the lists only while nobody stops.
  for (std::thread& thread : threads_) thread.join();
  for (std::thread& thread : ended_) thread.join();
  threads_.clear();
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
    return absl::Status(absl::StatusCode::kResourceExhausted, "");
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
