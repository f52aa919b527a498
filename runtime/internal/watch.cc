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
// So many ticks in a row without anything to do make the next ones longer. One
// with something to do makes them shorter by as much, and not at once short: a
// worker that the system keeps off its processor for a tick looks overdue, too.
constexpr int kCalmTicks = 4;
constexpr Milliseconds kLinger{100};
// A flood that is marked comes up, the worker looks around between the few jobs
// that have waited for it, and may be under again: so it is marked again at the
// next tick, unless it has looked more often than that.
constexpr std::uint64_t kLooksWhenUp = 16;

}  // namespace

void Watch::Start() {
  awake_.store(scheduler_.worker_count(), std::memory_order_relaxed);
  seen_.assign(scheduler_.worker_count(), Seen());
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
  depot_keeper_.Retire();
}

void Watch::WorkerSleeps() noexcept {
  // relaxed: that we are one less, the watch may learn late.
  awake_.fetch_sub(1, std::memory_order_relaxed);
}

void Watch::WorkerWakes() noexcept {
  // seq_cst, with those in SleepUntilAWorkerWakes: a store-buffer pattern.
  // Either the watch sees the count we raise, or we see that it is asleep.
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
    if (all_asleep_for > kLinger && !depot_keeper_.is_needed()) {
      depot_keeper_.Retire();
      SleepUntilAWorkerWakes(lock);
      all_asleep_for = Milliseconds{0};
      tick = kShortestTick;
      calm_ticks = 0;
      continue;
    }
    // One system call, where waiting on the condition makes two: a busy program
    // pays this at every tick. Whoever stops us waits for one.
    lock.unlock();
    depot_keeper_.Tick(tick);
    const bool awake = awake_.load(std::memory_order_relaxed) > 0;
    all_asleep_for = awake ? Milliseconds{0} : all_asleep_for + tick;
    if (awake && Tick()) {
      calm_ticks = 0;
      tick = std::max(tick / 2, kShortestTick);
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
  const Idle& idle = scheduler_.idle();
  bool anyone_overdue = false;
  bool help_wanted = !scheduler_.injector().empty();
  for (int i = 0; i < scheduler_.worker_count(); ++i) {
    if (idle.is_asleep(i)) continue;
    Worker& worker = scheduler_.worker(i);
    const Seen now{.rounds = worker.rounds(), .put_offs = worker.put_offs()};
    const std::uint64_t looks = now.rounds - seen_[i].rounds;
    const bool came_up = now.put_offs != seen_[i].put_offs;
    if (looks == 0 || (came_up && looks <= kLooksWhenUp)) {
      // For the second time: with one worker nobody else would ever look.
      if (worker.overdue()) worker.PollForOwner();
      worker.set_overdue();
    }
    seen_[i] = now;
    anyone_overdue |= worker.overdue();
    help_wanted |= worker.has_surplus();
  }
  // Whoever goes to sleep later looks for what is left over before that.
  if ((anyone_overdue || help_wanted) && idle.anyone_asleep()) {
    scheduler_.WakeOneToHelp();
    return true;
  }
  return anyone_overdue;
}

}  // namespace weft::internal
