// Who is on duty, and what the duty is.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/depot_keeper.h"

#include <mutex>

#include "weft/runtime/internal/frame_depot.h"

namespace weft::internal {
namespace {

constexpr std::chrono::milliseconds kInterval{1000};

// A mutex and no atomic: it is asked once a tick, and at a runtime's end.
constinit std::mutex duty_mutex;
constinit DepotKeeper* on_duty = nullptr;  // Guarded by duty_mutex.

}  // namespace

void DepotKeeper::Tick(std::chrono::milliseconds passed) noexcept {
  if (!TakeDuty()) return;
  noted_for_ += passed;
  if (noted_for_ >= kInterval) {
    noted_for_ = std::chrono::milliseconds{0};
    has_too_much_ = NoteWhatIsNotNeeded();
  }
  if (has_too_much_) has_too_much_ = FreeWhatIsNotNeeded();
}

bool DepotKeeper::is_needed() noexcept { return TakeDuty() && DepotIsLarge(); }

void DepotKeeper::Retire() noexcept {
  std::lock_guard lock(duty_mutex);
  if (on_duty == this) on_duty = nullptr;
}

void DepotKeeper::TrimUnlessKept() noexcept {
  std::lock_guard lock(duty_mutex);
  if (on_duty == nullptr) TrimFrameDepot(kDepotReserve);
}

bool DepotKeeper::TakeDuty() noexcept {
  std::lock_guard lock(duty_mutex);
  if (on_duty == nullptr) on_duty = this;
  return on_duty == this;
}

}  // namespace weft::internal
