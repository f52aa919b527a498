// Whoever wants to know that a descriptor became ready.
//
// This is all the reactor knows of coroutines: an object with one function.
// The runtime derives from it, and the two layers never meet anywhere else.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_WAITER_H_
#define WEFT_REACTOR_WAITER_H_

namespace weft::reactor {

// Threads: OnReady is called once for each successful Source::Arm, on the
//          thread that polls, nudges or closes. From the call on the waiter
//          belongs to the callee again; the reactor does not touch it.
class Waiter {
 public:
  // Must only schedule: never run user code, block or touch the Source. The
  // caller may be in the middle of a batch of events.
  virtual void OnReady() noexcept = 0;

 protected:
  ~Waiter() = default;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_WAITER_H_
