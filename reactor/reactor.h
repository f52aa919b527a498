// What is ready, and when must we look again? One of these for each worker.
//
//         Poll:  1. how long may we sleep?     TimerWheel
//                2. sleep until something is   Poller       <- Wake()
//                3. tell those who wait        SourcePool, SignalWatcher,
//                                              ChildExits
//                4. tell those who are due     TimerWheel
//
// The reactor knows no coroutine and runs no user code: everything it calls
// (Waiter::OnReady, Timer::OnTimer, SignalListener::OnSignal, Child::OnEnded)
// only schedules.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_REACTOR_H_
#define WEFT_REACTOR_REACTOR_H_

#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/child_exits.h"
#include "weft/reactor/instant.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/reactor/timer_wheel.h"

namespace weft::reactor {

class SignalListener;

// Threads: Wake, Now, system and sources from any thread; timers as TimerWheel
//          says; Poll from one thread at a time, which need not be the owner:
//          a sibling may look in, without waiting, while the owner is busy.
//          The caller orders one such thread after the other.
class Reactor {
 public:
  // Borrows: `system`. Shares: `sources`, which std::make_shared made.
  // Errors:  those of Poller::Create.
  static absl::StatusOr<std::unique_ptr<Reactor>> Create(System& system,
                                                         SourcePool& sources);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  // Sources may outlive it; they forget it.
  ~Reactor();

  // Waits for events at most `max_wait`, and not beyond the next deadline;
  // delivers them and fires what is due. Zero looks without waiting. Returns
  // how many waiters, timers, signal listeners and children were told. Where
  // that is none, nothing was there for anybody when it looked.
  //
  // Errors: those of Poller::Wait. Timers have been fired nevertheless.
  // Cost:   one system call, and one for each 127 events that nobody waits for;
  //         the clock is read only when timers are armed.
  absl::StatusOr<int> Poll(absl::Duration max_wait);

  // Fires what is due without asking the kernel for events.
  int FireTimers();

  // Makes the current or the next Poll return soon. Coalesces; never blocks.
  void Wake() noexcept { poller_.Wake(); }

  Instant Now() const;
  TimerWheel& timers() noexcept { return timers_; }
  ChildExits& children() noexcept { return children_; }
  System& system() const noexcept { return system_; }
  SourcePool& sources() const noexcept { return *sources_; }

  // For Source, which registers itself.
  Poller& poller() noexcept { return poller_; }

  // For SignalWatcher. After RemoveSignal has returned the listener is not
  // called any more.
  absl::Status AddSignal(int signal, SignalListener& listener);
  void RemoveSignal(int signal) noexcept;

  // For ChildExits, which is then told of the process's end.
  absl::Status AddProcess(pid_t process);
  void RemoveProcess(pid_t process) noexcept;

 private:
  struct WatchedSignal {
    int signal;
    SignalListener* listener;
    int count;  // How often it has been told.
  };

  Reactor(System& system, std::shared_ptr<SourcePool> sources, Poller poller);

  absl::Duration TimeToSleep(absl::Duration max_wait) const;
  int Dispatch(const Event& event) noexcept;
  int DispatchSignal(int signal) noexcept;

  System& system_;
  const std::shared_ptr<SourcePool> sources_;
  Poller poller_;
  TimerWheel timers_;
  ChildExits children_{*this};

  std::mutex signals_mutex_;
  std::vector<WatchedSignal> signals_;  // Guarded by signals_mutex_; few.
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_REACTOR_H_
