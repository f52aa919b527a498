// WakeFlag: whether a poller's doorbell has been rung and not yet answered, so
// that of many wakes only the first costs a system call.
//
//     Wake   a. if (!flag.Raise())          Wait   1. sleep in the kernel
//            b.   ring the bell                    2. the bell is among the
//                                                     events: silence it
//                                                  3. flag.Lower()
//                                                  4. return
//
// The bell is an eventfd or an EVFILT_USER: ringing it makes the kernel report
// it, until it is silenced (read again, or delivered with EV_CLEAR).
//
// Why no wake is lost. Raise and Lower are read-modify-writes of one word, so
// each Raise stands either before or after a given Lower in that word's order.
//   1. Raise found the flag low: the bell is rung after the Lower it read from,
//      hence after step 2 before it. Nothing silences it but a later Wait,
//      which returns because of it.
//   2. Raise found the flag up: some earlier Wake raised it, and no Lower
//      stands between the two. That Wake's ring is on its way or there, and the
//      Wait that silences it has its Lower still before it: it returns after
//      this Raise, and its Lower has acquired what this caller wrote before.
// The order of steps 2 and 3 is the whole point. The other way round, a Wake
// between them would ring a bell that step 2 then silences while the flag stays
// up, and every later Wake would believe it had rung.
//
// Invariants
//   1. While the flag is up, the Wake that raised it is about to ring, or the
//      bell rings, or a Wait stands between its steps 2 and 3.
//   2. Only the thread in Wait lowers, and only after it has silenced the bell.
//   3. An error in silencing leaves the flag up and the bell ringing: the next
//      Wait returns at once and tries again.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_WAKE_FLAG_H_
#define WEFT_REACTOR_WAKE_FLAG_H_

#include "weft/reactor/atomic.h"

namespace weft::reactor {

// Threads: Raise from any, Lower from the one in Wait.
class WakeFlag {
 public:
  // True when it was up already: nothing to ring.
  [[nodiscard]] bool Raise() noexcept {
    // acq_rel. The release half pairs with the acquire of Lower: the waiter
    // sees what the waker wrote, also through the raises between. The acquire
    // half pairs with the release of Lower: our ring comes after that silence.
    return up_.exchange(true, std::memory_order_acq_rel);
  }

  void Lower() noexcept {
    // acq_rel: see Raise. An exchange and not a store, because a store reads
    // from nobody and so would acquire nothing.
    up_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  Atomic<bool> up_{false};
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_WAKE_FLAG_H_
