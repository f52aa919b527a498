// A thread's signal mask: which signals wait in this thread and do not act.
//
// Two things need it. A signal is watched (signals.h) by being blocked, so that
// it stays pending until it is fetched. And SIGPIPE, which the kernel raises in
// the very thread that writes to a pipe without a reader, ends the program
// unless it is blocked there; blocked, the write says EPIPE, which is what a
// stream makes an error of.
//
// A socket is written with MSG_NOSIGNAL and needs no mask; for a pipe there is
// no such flag on Linux. So every thread that runs tasks or blocking calls is
// started with SIGPIPE blocked, and a thread of the caller's that runs them (a
// Simulator's) has it blocked meanwhile. One that was raised so is addressed to
// that thread: it stays pending there, and harms nobody. Children that are
// started by net/process.h begin with an empty mask.
//
// Rejected: to ignore SIGPIPE in the whole process (the disposition belongs to
// the program: `program | head` ends by it, and so do the children that inherit
// it); to block it around each write (two system calls more).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SIGNAL_MASK_H_
#define WEFT_REACTOR_SIGNAL_MASK_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"

namespace weft::reactor {

// Whether there is a signal of that number.
bool IsSignal(int signal) noexcept;

// Of this thread. Requires: IsSignal(signal).
bool IsSignalBlocked(int signal) noexcept;
// As the mask was before: true where the signal was blocked already.
bool BlockSignal(int signal) noexcept;
void UnblockSignal(int signal) noexcept;

// Signals that are blocked in one thread for a while. Threads that it starts
// meanwhile inherit that.
//
// Threads: made and destroyed on the same one.
class BlockedSignals {
 public:
  // Errors: INVALID_ARGUMENT for what is no signal; the mask is as before.
  static absl::StatusOr<std::unique_ptr<BlockedSignals>> Create(
      const std::vector<int>& signals);
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  // Unblocks those that were not blocked before. One that is pending acts.
  ~BlockedSignals();

 private:
  BlockedSignals() = default;

  std::vector<int> added_;
};

// While it lives, a write to a pipe that nobody reads fails with EPIPE and does
// nothing else, in this thread.
//
// Threads: made and destroyed on the same one.
class BrokenPipesAreErrors {
 public:
  BrokenPipesAreErrors() noexcept;
  BrokenPipesAreErrors(const BrokenPipesAreErrors&) = delete;
  BrokenPipesAreErrors& operator=(const BrokenPipesAreErrors&) = delete;
  ~BrokenPipesAreErrors();

 private:
  // Blocked before us, and so nothing to undo.
  const bool blocked_before_;
  // Pending before us, and so not ours to take away.
  const bool pending_before_;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SIGNAL_MASK_H_
