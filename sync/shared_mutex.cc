// Who may come in, and who comes in next.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/shared_mutex.h"

#include <mutex>

#include "absl/base/internal/raw_logging.h"

namespace weft::sync {

SharedMutex::~SharedMutex() {
  ABSL_RAW_CHECK(inside_ == 0,
                 "a weft::sync::SharedMutex was destroyed while it is locked: "
                 "let its guards go first");
}

bool SharedMutex::EnterLocked(bool shared) noexcept {
  // Nobody overtakes those who wait.
  if (!empty() || !MayEnterLocked(shared)) return false;
  inside_ = shared ? inside_ + 1 : kWriter;
  return true;
}

void SharedMutex::GrantLocked(WakeList& granted) noexcept {
  while (!empty()) {
    auto& next = static_cast<Party&>(*front());
    const bool shared = next.shared();
    if (!MayEnterLocked(shared)) return;
    if (!GrantFront()) continue;
    inside_ = shared ? inside_ + 1 : kWriter;
    granted.Add(next);
  }
}

bool SharedMutex::TryEnter(bool shared) noexcept {
  std::lock_guard guard(lock());
  return EnterLocked(shared);
}

void SharedMutex::Leave(bool shared) noexcept {
  WakeList granted;
  {
    std::lock_guard guard(lock());
    if (!shared) writer_.store(0, std::memory_order_relaxed);
    inside_ = shared ? inside_ - 1 : 0;
    GrantLocked(granted);
  }
  // From here on `*this` may be gone: the last to leave need not wait for us.
  granted.WakeAll();
}

void SharedMutex::Downgrade() noexcept {
  WakeList granted;
  {
    std::lock_guard guard(lock());
    writer_.store(0, std::memory_order_relaxed);
    inside_ = 1;
    GrantLocked(granted);
  }
  granted.WakeAll();
}

}  // namespace weft::sync
