// From a signal to its listener.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/signals.h"

#include <signal.h>

#include "absl/status/status.h"
#include "weft/reactor/signal_mask.h"

namespace weft::reactor {

bool IsSignalIgnored(int signal) noexcept {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

absl::StatusOr<std::unique_ptr<SignalWatcher>> SignalWatcher::Create(
    Reactor& reactor, const std::vector<int>& signals,
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
  for (int signal : blocked_) UnblockSignal(signal);
}

absl::Status SignalWatcher::Watch(int signal, SignalListener& listener) {
  if (!IsSignal(signal)) {
    return absl::InvalidArgumentError("there is no signal of that number");
  }
  // Blocked first: from the moment it is watched it must not act.
  if (!BlockSignal(signal)) blocked_.push_back(signal);
  absl::Status status = reactor_.AddSignal(signal, listener);
  if (status.ok()) watched_.push_back(signal);
  return status;
}

}  // namespace weft::reactor
