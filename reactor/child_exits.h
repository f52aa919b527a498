// The ends of child processes as events: a child is waited for where a socket's
// readiness arrives, on the thread that polls.
//
//     posix_spawn --> Child --Watch--> ChildExits, of one reactor
//                       |                  |
//                    Signal()      the poller: "it may have ended"
//                       |                  |
//                       '--- the lock ---- Reap: waitpid(pid, WNOHANG)
//                                          |
//                                       OnEnded, and the child is let go
//
// A child that has ended stays in the system's table, a *zombie*, until its
// parent has asked how it ended; until then its number is nobody else's. Both
// are this file's business: whoever starts a child hands it over and may forget
// it, and it is reaped all the same.
//
// Rejected: a handler for SIGCHLD, or watching that signal (the signal is the
// process's, not ours, and says no more than that some child has ended); a wait
// for any child (it would take the ends of children that other libraries have
// started); a thread for each child that blocks in waitpid.
//
// Invariants
//   1. waitpid is called for the children handed to us, by number, and does not
//      wait; but at the very end a second for those that we have killed.
//   2. Reaping and signalling exclude each other, so a signal never reaches a
//      process that was given the number of a child of ours.
//   3. An event is a hint, waitpid decides: one for a number that has been used
//      again finds the new child alive.
//   4. The poller has forgotten the number before the child is reaped: the next
//      process may have it, and be watched by it, right after.
//   5. A watched child is kept alive by its reactor until it has been reaped.
//
// At the end of the reactor, children that have been killed are given a second:
// they are about to end. One that is still there outlives the reactor, and
// nobody reaps it: it is the system's to clear away when this process ends.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_CHILD_EXITS_H_
#define WEFT_REACTOR_CHILD_EXITS_H_

#include <sys/types.h>

#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/system.h"
#include "weft/reactor/timer_wheel.h"

namespace weft::reactor {

class Reactor;

// Whom a signal is for.
enum class Reach : bool {
  kProcess,  // The child alone.
  kGroup,    // The process group that it leads, with all that it has started.
};

// A process that this one has started, and how it has ended.
//
// Threads: any.
class Child {
 public:
  // Requires: `process` is a child that nobody else waits for, and, for
  //           Reach::kGroup, leads a process group.
  // Borrows:  `system`.
  Child(pid_t process, Reach reach, System& system) noexcept
      : process_(process), reach_(reach), system_(system) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t process() const noexcept { return process_; }

  // Sends it a signal.
  //
  // Errors: NOT_FOUND where it has been reaped, INVALID_ARGUMENT for what is no
  //         signal, PERMISSION_DENIED where it is another user's by now.
  absl::Status Signal(int signal);

  // For ChildExits: asks, without waiting, whether it has ended, and calls
  // OnEnded the first time that it has. True: it has.
  bool Reap() noexcept { return Ask(/*last_chance=*/false); }
  // As Reap, and gives one that was sent SIGKILL a second.
  void ReapAtTheEnd() noexcept { Ask(/*last_chance=*/true); }

  // What waitpid(2) said, once it has ended. Where somebody else has waited for
  // it, or the program ignores SIGCHLD, the error of that.
  std::optional<absl::StatusOr<int>> wait_status() const;

 protected:
  virtual ~Child() = default;

 private:
  bool Ask(bool last_chance) noexcept;
  // It has ended. Must only schedule.
  virtual void OnEnded() noexcept = 0;

  const pid_t process_;
  const Reach reach_;
  System& system_;

  mutable std::mutex mutex_;  // Guards all below, and that it is not reaped.
  bool reaped_ = false;
  bool killed_ = false;
  int status_ = 0;
  int error_ = 0;  // Of waitpid; 0 where status_ holds.
};

// The children that one reactor watches. Made by the reactor.
//
// The second look. A child that was reported to have ended may not be ready to
// be waited for: macOS reports an end a moment before, and what a debugger
// holds is the debugger's to wait for first. And a system may refuse to report
// at all (no descriptor left; a sandbox). Such children are asked again, at
// intervals that grow to kLongestPause.
class ChildExits final : Timer {
 public:
  explicit ChildExits(Reactor& reactor) noexcept : reactor_(reactor) {}
  ChildExits(const ChildExits&) = delete;
  ChildExits& operator=(const ChildExits&) = delete;
  ~ChildExits();

  // From now on the child is reaped when it ends, also where it has already.
  //
  // Threads: any.
  // Shares:  `child`, until it is reaped.
  void Watch(std::shared_ptr<Child> child);

  // An event named the child. Returns how many have been reaped.
  int OnEvent(pid_t process) noexcept;

 private:
  static constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
  static constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

  struct Watched {
    std::shared_ptr<Child> child;
    absl::Duration pause;   // Before the next look at it.
    bool reported = false;  // No event will come: it is asked.
  };

  void OnTimer() noexcept override;
  void Report(pid_t process) noexcept;
  int ReapReported() noexcept;
  void PutBack(std::list<Watched> alive) noexcept;

  Reactor& reactor_;
  std::mutex mutex_;  // Guards all below.
  std::list<Watched> watched_;
  bool timer_armed_ = false;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_CHILD_EXITS_H_
