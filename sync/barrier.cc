// Arriving, and the step that the last one takes for all.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/barrier.h"

#include <mutex>
#include <utility>

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

Barrier::Barrier(std::int64_t parties, std::function<void()> completion)
    : completion_(std::move(completion)), parties_(parties) {
  ABSL_RAW_CHECK(parties > 0, "a Barrier is for one party or more");
}

// Those who wait are taken out of the list, which nobody can cancel, and then
// the next phase may begin: who comes from now on belongs to it.
void Barrier::BeginNextPhaseLocked(WakeList& released) noexcept {
  while (Waiter* const waiter = Pop()) released.Add(*waiter);
  arrived_ = 0;
  ++phase_;
}

bool Barrier::ArriveAwaiter::TryLocked(WakeList&) noexcept {
  Barrier& all = barrier();
  phase_ = all.phase_;
  ++all.arrived_;
  ABSL_RAW_CHECK(all.arrived_ <= all.parties_,
                 "more parties arrived at a Barrier than it was made for");
  last_ = all.IsLastLocked();
  if (last_) all.BeginNextPhaseLocked(released_);
  return last_;
}

absl::StatusOr<std::uint64_t> Barrier::ArriveAwaiter::await_resume() {
  if (cancelled()) return status();
  if (last_) {
    // Nobody else is in this phase any more who could destroy the barrier: the
    // others wait for what we do next.
    barrier().Complete(released_);
  }
  return phase_;
}

void Barrier::ArriveAndDrop() noexcept {
  WakeList released;
  bool last;
  {
    std::lock_guard guard(lock());
    ABSL_RAW_CHECK(arrived_ < parties_,
                   "a party left a Barrier that has none left to miss");
    --parties_;
    last = IsLastLocked();
    if (last) BeginNextPhaseLocked(released);
  }
  if (last) Complete(released);
}

void Barrier::Complete(WakeList& released) noexcept {
  if (completion_) completion_();
  // From here on `*this` may be gone.
  released.WakeAll();
}

}  // namespace weft::sync
