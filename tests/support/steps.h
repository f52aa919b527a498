// Steps: does something between any two operations of a simulated program.
//
//     for (int n = 1;; ++n) {
//       Steps steps(n, [&] { victim.Cancel(); });
//       ... run tasks that say  co_await Stepped(steps, channel.Send(1)) ...
//       if (!steps.reached()) break;
//     }
//
// A step is over when an operation has done what it does without waiting: it
// succeeded, or it has parked. So the n-th step finds, as n grows, a victim
// that has not begun to wait, one that waits, and one that its partner has just
// granted what it waits for, before it could run.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_STEPS_H_
#define WEFT_TESTS_SUPPORT_STEPS_H_

#include <functional>
#include <utility>

#include "weft/runtime/continuation.h"

namespace weft::tests {

class Steps {
 public:
  Steps(int n, std::function<void()> act) : n_(n), act_(std::move(act)) {}
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  void Take() {
    if (++taken_ == n_) act_();
  }
  // Whether there was an n-th step.
  bool reached() const { return taken_ >= n_; }

 private:
  const int n_;
  const std::function<void()> act_;
  int taken_ = 0;
};

// Awaits `operation` and takes a step. For simulations: on several threads the
// operation may be gone when it has parked.
template <typename Operation>
class [[nodiscard("co_await it")]] Stepped {
 public:
  Stepped(Steps& steps, Operation&& operation)
      : steps_(steps), operation_(operation) {}
  Stepped(const Stepped&) = delete;
  Stepped& operator=(const Stepped&) = delete;

  bool await_ready() {
    const bool ready = operation_.await_ready();
    if (ready) steps_.Take();
    return ready;
  }
  bool await_suspend(Continuation caller) {
    const bool parked = operation_.await_suspend(caller);
    steps_.Take();
    return parked;
  }
  decltype(auto) await_resume() { return operation_.await_resume(); }

 private:
  Steps& steps_;
  Operation& operation_;
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_STEPS_H_
