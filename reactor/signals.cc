// The one place that changes a thread's signal mask.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/signals.h"

#include "weft/reactor/os_error.h"

namespace weft::reactor {
namespace {

// Blocks or unblocks one signal in this thread. True when the signal was
// blocked before. Not behind System: it concerns the thread, not the world, and
// cannot fail for a signal that sigaddset has accepted.
bool ChangeMask(int how, int signal) noexcept {
  sigset_t change;
  sigset_t before;
  sigemptyset(&change);
  sigemptyset(&before);
  sigaddset(&change, signal);
  pthread_sigmask(how, &change, &before);
  return sigismember(&before, signal) == 1;
}

bool IsSignal(int signal) noexcept {
  sigset_t probe;
  sigemptyset(&probe);
  return sigaddset(&probe, signal) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignalWatcher>> SignalWatcher::Create(
    Reactor& reactor, std::initializer_list<int> signals,
    SignalListener& listener) {
  std::unique_ptr<SignalWatcher> watcher(new SignalWatcher(reactor));
  for (int signal : signals) {
    const absl::Status status = watcher->Watch(signal, listener);
    if (!status.ok()) return status;  // The destructor undoes the earlier ones.
  }
  return watcher;
}

SignalWatcher::~SignalWatcher() {
  for (int signal : watched_) reactor_.RemoveSignal(signal);
  for (int signal : blocked_) ChangeMask(SIG_UNBLOCK, signal);
}

absl::Status SignalWatcher::Watch(int signal, SignalListener& listener) {
  if (!IsSignal(signal)) {
    return absl::InvalidArgumentError("there is no signal of that number");
  }
  // Blocked first: from the moment it is watched it must not act.
  if (!ChangeMask(SIG_BLOCK, signal)) blocked_.push_back(signal);
  absl::Status status = reactor_.AddSignal(signal, listener);
  if (status.ok()) watched_.push_back(signal);
  return status;
}

}  // namespace weft::reactor
