// The watch's thread.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/watch.h"

#include <algorithm>
#include <chrono>

#include "weft/runtime/internal/scheduler.h"

namespace weft::internal {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kShortestTick{1};
constexpr Milliseconds kLongestTick{8};
// So many ticks in a row without anything to do make the next ones longer.
constexpr int kCalmTicks = 16;
constexpr Milliseconds kLinger{100};

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
  Milliseconds tick = kShortestTick;
  Milliseconds all_asleep_for{0};
  int calm_ticks = 0;
  while (!stopping_) {
    if (all_asleep_for > kLinger) {
      SleepUntilAWorkerWakes(lock);
      all_asleep_for = Milliseconds{0};
      tick = kShortestTick;
      calm_ticks = 0;
      continue;
    }
    // One system call, where waiting on the condition makes two: a busy program
    // pays this at every tick. Whoever stops us waits for one.
    lock.unlock();
    const bool awake = awake_.load(std::memory_order_relaxed) > 0;
    all_asleep_for = awake ? Milliseconds{0} : all_asleep_for + tick;
    if (awake && Tick()) {
      calm_ticks = 0;
      tick = kShortestTick;
    } else if (++calm_ticks % kCalmTicks == 0) {
      tick = std::min(tick * 2, kLongestTick);
    }
    std::this_thread::sleep_for(tick);
    lock.lock();
  }
}

void Watch::SleepUntilAWorkerWakes(std::unique_lock<std::mutex>& lock) {
  asleep_.store(true, std::memory_order_seq_cst);
  wake_.wait(lock, [this] {
    return stopping_ || awake_.load(std::memory_order_seq_cst) > 0;
  });
  asleep_.store(false, std::memory_order_seq_cst);
}

bool Watch::Tick() {
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
  return help_wanted;
}

}  // namespace weft::internal
