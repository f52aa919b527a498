// The virtual clock.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/testing/simulated_system.h"

namespace weft::testing {

int SimulatedSystem::clock_gettime(clockid_t, timespec* now) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t nanoseconds = nanoseconds_.load(std::memory_order_relaxed);
  now->tv_sec = static_cast<time_t>(nanoseconds / kSecond);
  now->tv_nsec = static_cast<long>(nanoseconds % kSecond);  // NOLINT
  return 0;
}

void SimulatedSystem::AdvanceTo(reactor::Instant instant) noexcept {
  if (instant.nanoseconds() > nanoseconds_.load(std::memory_order_relaxed)) {
    nanoseconds_.store(instant.nanoseconds(), std::memory_order_relaxed);
  }
}

reactor::Instant SimulatedSystem::NextEvent() const {
  return reactor::Instant::InfiniteFuture();
}

bool SimulatedSystem::RunEvents() { return false; }

}  // namespace weft::testing
