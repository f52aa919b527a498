// The one place that changes a thread's signal mask. Not behind System: it
// concerns the thread, not the world, and cannot fail for a signal that
// sigaddset has accepted.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/signal_mask.h"

#include <signal.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft::reactor {
namespace {

// (macOS has macros for the sigset calls, hence no `::`.)
sigset_t Only(int signal) noexcept {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  return only;
}

// True when the signal was blocked before.
bool ChangeMask(int how, int signal) noexcept {
  const sigset_t change = Only(signal);
  sigset_t before;
  sigemptyset(&before);
  pthread_sigmask(how, &change, &before);
  return sigismember(&before, signal) == 1;
}

bool IsPending(int signal) noexcept {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

}  // namespace

bool IsSignal(int signal) noexcept {
  sigset_t probe;
  sigemptyset(&probe);
  return signal > 0 && sigaddset(&probe, signal) == 0;
}

bool IsSignalBlocked(int signal) noexcept {
  sigset_t mask;
  sigemptyset(&mask);
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

bool BlockSignal(int signal) noexcept { return ChangeMask(SIG_BLOCK, signal); }

void UnblockSignal(int signal) noexcept { ChangeMask(SIG_UNBLOCK, signal); }

absl::StatusOr<std::unique_ptr<BlockedSignals>> BlockedSignals::Create(
    const std::vector<int>& signals) {
  std::unique_ptr<BlockedSignals> blocked(new BlockedSignals());
  for (int signal : signals) {
    if (!IsSignal(signal)) {
      return absl::InvalidArgumentError(
          absl::StrCat("block signal ", signal, ": there is no such signal"));
    }
    if (!BlockSignal(signal)) blocked->added_.push_back(signal);
  }
  return blocked;
}

BlockedSignals::~BlockedSignals() {
  for (int signal : added_) UnblockSignal(signal);
}

BrokenPipesAreErrors::BrokenPipesAreErrors() noexcept
    : blocked_before_(BlockSignal(SIGPIPE)),
      pending_before_(!blocked_before_ && IsPending(SIGPIPE)) {}

// What a write here has raised is this thread's alone, and is taken back. What
// the whole process was sent may be pending as well, and looks the same; of the
// two, Linux gives sigwait the thread's. So the thread raises one of its own,
// which makes no second one: sigwait never waits, though another thread may
// have taken the process's meanwhile, and that one stays for whom it was meant.
// (macOS keeps both in one place, where they are one.)
BrokenPipesAreErrors::~BrokenPipesAreErrors() {
  if (blocked_before_) return;
  if (!pending_before_ && IsPending(SIGPIPE)) {
    const sigset_t only = Only(SIGPIPE);
    int taken = 0;
    pthread_kill(pthread_self(), SIGPIPE);
    sigwait(&only, &taken);
  }
  UnblockSignal(SIGPIPE);
}

}  // namespace weft::reactor
