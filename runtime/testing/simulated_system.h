// SimulatedSystem: the kernel with a virtual clock.
//
// What a Simulator runs on. To inject faults into a simulation, derive from it
// and override calls, as with reactor::System.
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

 private:
  static constexpr std::int64_t kStart = std::int64_t{3600} * 1'000'000'000;

  // relaxed throughout: a number, moved by one thread.
  Atomic<std::int64_t> nanoseconds_{kStart};
};

}  // namespace weft::testing

#endif  // WEFT_RUNTIME_TESTING_SIMULATED_SYSTEM_H_
