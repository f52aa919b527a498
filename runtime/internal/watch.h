// Watch: the thread that notices what workers cannot notice themselves.
//
// While some worker is awake it ticks about every millisecond, and once a tick:
//   - a worker that has not looked around since (pace.h) is marked overdue: its
//     loop and its forks read that mark, so a flood of forks, which runs by
//     transfer inside one turn, comes up for air; and once a tick from then on,
//     while it looks around for no other reason;
//   - one that has not even seen that mark computes for long: its descriptors,
//     timers and signals are polled for it, so that a second Ctrl-C ends a
//     program whose every worker is stuck;
//   - a sleeper is woken when such a worker, or one with more than it can run,
//     has something to steal.
// So it is the backstop for every wake that was saved on the fast path. While
// it finds nothing to do its ticks grow, to 8 ms: a calm server should not pay
// a system call a millisecond. What begins to starve others after a calm has
// run for 16 ms at most when it is noticed, and for less each time after that.
// When all workers sleep it lingers for 100 ms, then sleeps too: an idle
// program uses no CPU. After a burst that left many free frames it lingers
// until those have gone back that nobody needs (depot_keeper.h).
//
// Lost wake-ups: the count of awake workers changes before a worker looks for
// work, and the watch rechecks it under the mutex before it sleeps; a worker
// that wakes up takes that mutex whenever the watch has said it is asleep.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_WATCH_H_
#define WEFT_RUNTIME_INTERNAL_WATCH_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/depot_keeper.h"

namespace weft::internal {

class Scheduler;

class Watch {
 public:
  explicit Watch(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // All workers count as awake at first.
  void Start();
  void Stop() noexcept;

  void WorkerSleeps() noexcept;
  void WorkerWakes() noexcept;

 private:
  void Run();
  // Whether there was anything to mark or to wake for.
  bool Tick();
  void SleepUntilAWorkerWakes(std::unique_lock<std::mutex>& lock);

  Scheduler& scheduler_;
  Atomic<int> awake_{0};
  Atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // Guarded by mutex_.
  // What a worker had counted at the last tick.
  struct Seen {
    std::uint64_t rounds = 0;
    std::uint64_t put_offs = 0;
  };
  std::vector<Seen> seen_;    // The thread's own.
  DepotKeeper depot_keeper_;  // The same, while it runs.
  std::thread thread_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_WATCH_H_
