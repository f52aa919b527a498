// The watch's thread.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/watch.h"

#include <chrono>

#include "weft/runtime/internal/scheduler.h"

namespace weft::internal {
namespace {

constexpr std::chrono::milliseconds kTick{1};
constexpr int kLingerTicks = 100;

}  // namespace

void Watch::Start() {
  awake_.store(scheduler_.worker_count(), std::memory_order_relaxed);
  last_rounds_.assign(scheduler_.worker_count(), 0);
  thread_ = std::thread([this] { Run(); });
}

void Watch::Stop() noexcept {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watch::WorkerSleeps() noexcept {
  // seq_cst, with the three below: a store-buffer pattern. Either the watch
  // sees the count we raise, or we see that it is asleep.
  awake_.fetch_sub(1, std::memory_order_seq_cst);
}

void Watch::WorkerWakes() noexcept {
  awake_.fetch_add(1, std::memory_order_seq_cst);
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  std::lock_guard lock(mutex_);
  wake_.notify_all();
}

void Watch::Run() {
  std::unique_lock lock(mutex_);
  int quiet_ticks = 0;
  while (!stopping_) {
    if (awake_.load(std::memory_order_relaxed) > 0) {
      quiet_ticks = 0;
      lock.unlock();
      Tick();
      lock.lock();
    } else if (++quiet_ticks > kLingerTicks) {
      asleep_.store(true, std::memory_order_seq_cst);
      wake_.wait(lock, [this] {
        return stopping_ || awake_.load(std::memory_order_seq_cst) > 0;
      });
      asleep_.store(false, std::memory_order_seq_cst);
      quiet_ticks = 0;
      continue;
    }
    // One system call, where waiting on the condition makes two: a busy program
    // pays this a thousand times a second. Whoever stops us waits for a tick.
    lock.unlock();
    std::this_thread::sleep_for(kTick);
    lock.lock();
  }
}

void Watch::Tick() {
  bool help_wanted = false;
  for (int i = 0; i < scheduler_.worker_count(); ++i) {
    if (scheduler_.idle().is_asleep(i)) continue;
    Worker& worker = scheduler_.worker(i);
    const std::uint64_t rounds = worker.rounds();
    if (rounds == last_rounds_[i]) worker.set_overdue();
    last_rounds_[i] = rounds;
    help_wanted |= worker.overdue() || worker.has_surplus();
  }
  help_wanted |= !scheduler_.injector().empty();
  if (help_wanted) scheduler_.WakeOneToHelp();
}

}  // namespace weft::internal
