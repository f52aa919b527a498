// SimulatedSystem: the kernel with a virtual clock.
//
// What a Simulator runs on. To inject faults into a simulation, derive from it
// and override calls, as with reactor::System. To let the world do something at
// a moment of its own, such as a packet that arrives, override NextEvent and
// RunEvents besides: the clock then stops there too.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TESTING_SIMULATED_SYSTEM_H_
#define WEFT_RUNTIME_TESTING_SIMULATED_SYSTEM_H_

#include <time.h>

#include <cstdint>

#include "weft/reactor/instant.h"
#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"

namespace weft::testing {

class SimulatedSystem : public reactor::System {
 public:
  // Every clock reads the same virtual time; it starts at one hour, so that
  // code that subtracts from it does not meet zero.
  int clock_gettime(clockid_t clock, timespec* now) override;

  // Never backwards.
  void AdvanceTo(reactor::Instant instant) noexcept;
  reactor::Instant now() const noexcept {
    return reactor::Instant::FromNanoseconds(
        nanoseconds_.load(std::memory_order_relaxed));
  }

  // When the world next does something by itself. The Simulator lets the clock
  // jump there, or to the next timer, whichever is earlier.
  virtual reactor::Instant NextEvent() const;
  // Does what is due, in order. False: nothing was. Called before the timers of
  // the same moment fire: what arrives at a deadline has arrived in time.
  virtual bool RunEvents();

 private:
  static constexpr std::int64_t kStart = std::int64_t{3600} * 1'000'000'000;

  // relaxed throughout: a number, moved by one thread.
  Atomic<std::int64_t> nanoseconds_{kStart};
};

}  // namespace weft::testing

#endif  // WEFT_RUNTIME_TESTING_SIMULATED_SYSTEM_H_
