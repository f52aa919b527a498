// Signals as events: SIGINT arrives where a socket's readiness does, on the
// thread that polls, and not in the middle of whatever a thread was doing.
//
//     SignalWatcher      blocks the signal in this thread's mask (threads
//          |             started later inherit that), and tells the reactor
//          v
//     the kernel keeps it pending; the poller reports it and takes it away
//          |
//          v
//     SignalListener::OnSignal(signal, how often so far)
//
// Invariants
//   1. While a watcher lives its signals are blocked in the thread that made
//      it and in every thread started since. So it is made before the worker
//      threads are; a thread that is older and has a signal unblocked would
//      take it with the default action, which for SIGINT ends the program.
//   2. A signal is watched by one watcher of the process at a time.
//   3. Its destructor first stops the events, then restores each signal's place
//      in the mask. A signal that came in between acts as it did before.
//
// Rejected: a handler that writes to a pipe. It interrupts system calls of
// every thread, needs a global for the pipe, and replaces the handler of
// whoever had one; a blocked signal disturbs nobody.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SIGNALS_H_
#define WEFT_REACTOR_SIGNALS_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/reactor/reactor.h"

namespace weft::reactor {

// Whether the process ignores it, as one does that nohup or a shell's `&` has
// started: that is inherited, signal(7). A signal that is blocked is kept all
// the same, and reported to whoever watches it.
bool IsSignalIgnored(int signal) noexcept;

// Whoever wants to know that a signal was raised.
class SignalListener {
 public:
  // Must only schedule; must not destroy or make a SignalWatcher. `count` is
  // how often the listener has been told of this signal, from 1: signals that
  // are raised at the same time may be one.
  //
  // Threads: the one that polls; one call at a time.
  virtual void OnSignal(int signal, int count) noexcept = 0;

 protected:
  ~SignalListener() = default;
};

// Threads: made and destroyed on the same thread, whose mask it changes; made
//          before the threads that share the work are started.
class SignalWatcher {
 public:
  // Borrows: `reactor` and `listener`, until the watcher is gone.
  // Errors:  INVALID_ARGUMENT for what is no signal, ALREADY_EXISTS when the
  //          reactor watches it, RESOURCE_EXHAUSTED. The mask is as before.
  static absl::StatusOr<std::unique_ptr<SignalWatcher>> Create(
      Reactor& reactor, const std::vector<int>& signals,
      SignalListener& listener);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  explicit SignalWatcher(Reactor& reactor) : reactor_(reactor) {}

  absl::Status Watch(int signal, SignalListener& listener);

  Reactor& reactor_;
  std::vector<int> watched_;
  std::vector<int> blocked_;  // Those that were not blocked before us.
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SIGNALS_H_
