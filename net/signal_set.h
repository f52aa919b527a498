// SignalSet: signals as values that a task waits for.
//
//     int main() {
//       return weft::RunMain({.signals = {SIGHUP}}, Serve);
//     }
//
//     SignalSet signals = *SignalSet::Create({SIGHUP});
//     for (;;) {
//       int signal = co_await OrReturn(signals.Next());
//       co_await OrReturn(ReloadConfiguration());
//     }
//
// A signal can only be waited for where no thread lets it act, so it is
// announced before there are threads: RuntimeOptions::signals. Announced, it
// waits, also for a SignalSet that is made later; and one that a set has not
// given when it is destroyed waits again. Why so, and not at the moment
// the set is made: docs/decisions/0015-signals-are-announced-early.md.
//
// A signal is a flag and not a count. Those that come while one of the same
// number has not been taken by Next are one with it, in the kernel and here; a
// program that is told does what there is to do, however often it was told.
//
// SIGINT and SIGTERM are RunMain's, which cancels the program; announced, they
// are the program's own.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SIGNAL_SET_H_
#define WEFT_NET_SIGNAL_SET_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Threads: one task at a time. Moving and destroying it are for when nobody
//          waits.
class SignalSet {
 public:
  // Watches `signals` until the set is gone. A signal has one set at a time.
  //
  // Errors:   FAILED_PRECONDITION for a signal that was not announced,
  //           INVALID_ARGUMENT for what is none, ALREADY_EXISTS where another
  //           set or RunMain has it, RESOURCE_EXHAUSTED.
  // Requires: InsideRuntime(), the runtime that the set lives in.
  static absl::StatusOr<SignalSet> Create(const std::vector<int>& signals);

  // A moved-from set can only be destroyed or assigned to.
  SignalSet(SignalSet&&) noexcept;
  SignalSet& operator=(SignalSet&&) noexcept;
  ~SignalSet();

  // The number of the signal that has come, the one that came first where there
  // are several.
  //
  // Suspends: until one of them comes.
  // Cancel:   CANCELLED; no signal was taken.
  // Borrows:  the set.
  Task<absl::StatusOr<int>> Next();

 private:
  class Watch;

  explicit SignalSet(std::unique_ptr<Watch> watch) noexcept;

  std::unique_ptr<Watch> watch_;
};

}  // namespace weft::net

#endif  // WEFT_NET_SIGNAL_SET_H_
