// The cancellation protocol; task_context.h has the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task_context.h"

#include "weft/runtime/internal/spin_wait.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/leaf.h"

namespace weft {

bool TaskContext::Publish(Leaf& leaf) noexcept {
  std::uintptr_t expected = 0;
  const auto word = reinterpret_cast<std::uintptr_t>(&leaf);
  // release: pairs with the acquire in Hold, so that an outsider sees the leaf
  // filled in. Failure needs no order: kCancelled carries no data.
  while (!word_.compare_exchange_weak(expected, word, std::memory_order_release,
                                      std::memory_order_relaxed)) {
    if ((expected & kCancelled) != 0) return false;
    expected = 0;  // A spurious failure: no leaf is there, so nobody holds.
  }
  return true;
}

bool TaskContext::PublishJoin(Leaf& leaf) noexcept {
  if (Publish(leaf)) return true;
  // A plain store, since the bits stay as they are: kCancelled is never
  // cleared, and nobody holds where there was no leaf. release: as in Publish.
  word_.store(reinterpret_cast<std::uintptr_t>(&leaf) | kCancelled,
              std::memory_order_release);
  return false;
}

void TaskContext::Retract() noexcept {
  // acquire: pairs with the release in Release, directly or in the loop: what
  // the outsider did to the leaf happened before our frame goes on.
  const std::uintptr_t word = word_.fetch_and(kBits, std::memory_order_acquire);
  if ((word & kHeld) != 0) [[unlikely]]
    WaitWhileHeld(word);
}

void TaskContext::WaitWhileHeld(std::uintptr_t word) noexcept {
  internal::SpinWait spin;
  while ((word & kHeld) != 0) {
    spin.Once();
    word = word_.load(std::memory_order_acquire);  // As in Retract.
  }
}

Leaf* TaskContext::Hold(std::uintptr_t also) noexcept {
  std::uintptr_t word = word_.load(std::memory_order_relaxed);
  internal::SpinWait spin;
  for (;;) {
    // An outsider that comes second to cancel has nothing left to do.
    if (also != 0 && (word & also) == also) return nullptr;
    if ((word & kHeld) != 0) {
      spin.Once();
      word = word_.load(std::memory_order_relaxed);
      continue;
    }
    Leaf* const leaf = LeafOf(word);
    const std::uintptr_t held = leaf == nullptr ? 0 : kHeld;
    // acquire: pairs with the release in Publish.
    if (word_.compare_exchange_weak(word, word | held | also,
                                    std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return leaf;
    }
  }
}

void TaskContext::Release() noexcept {
  // release: pairs with the acquire in Retract.
  word_.fetch_and(~kHeld, std::memory_order_release);
}

void TaskContext::Cancel() noexcept {
  Leaf* const leaf = Hold(kCancelled);
  if (leaf == nullptr) return;
  leaf->Cancel();
  Release();
}

void TaskContext::Look(absl::FunctionRef<void(Leaf&)> look) noexcept {
  Leaf* const leaf = Hold(0);
  if (leaf == nullptr) return;
  look(*leaf);
  Release();
}

void TaskContext::set_leaf_when_stopped(Leaf& leaf) noexcept {
  // The bits stay: a handle on a plain thread may be cancelling. relaxed, and
  // release as in Publish.
  word_.fetch_and(kBits, std::memory_order_relaxed);
  word_.fetch_or(reinterpret_cast<std::uintptr_t>(&leaf),
                 std::memory_order_release);
}

Leaf* TaskContext::TakeLeafWhenStopped() noexcept {
  // acquire: as in Retract.
  WaitWhileHeld(word_.fetch_or(kCancelled, std::memory_order_acquire));
  // relaxed: nobody holds any more, and a canceller sees kCancelled.
  return LeafOf(word_.exchange(kCancelled, std::memory_order_relaxed));
}

internal::Scheduler& TaskContext::scheduler() const noexcept {
  return home_->scheduler();
}

}  // namespace weft
