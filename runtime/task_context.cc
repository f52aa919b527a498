// The cancellation protocol; task_context.h has the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task_context.h"

#include "weft/reactor/spin_wait.h"
#include "weft/runtime/internal/local_binding.h"
#include "weft/runtime/internal/root.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/leaf.h"

namespace weft {

bool TaskContext::Publish(Leaf& leaf) noexcept {
  // No leaf is there, so the word is 0 or kCancelled, and adding is setting: an
  // addition costs half of what a compare-and-swap does. release: pairs with
  // the acquire in Hold, so that an outsider sees the leaf filled in.
  const std::uintptr_t before = word_.fetch_add(
      reinterpret_cast<std::uintptr_t>(&leaf), std::memory_order_release);
  if (before == 0) [[likely]]
    return true;
  // Cancelled before. No canceller comes any more; a dump may have seen the
  // leaf for a moment, which is filled in and does not go away before this; it
  // only asks it to describe itself, and so waits for no lock of ours.
  Retract();
  return false;
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
  // relaxed: the load below orders. Its answer is not used, and so it is one
  // instruction and no loop of compare-and-swaps. Once the leaf is gone nobody
  // new can hold, so looking afterwards is early enough.
  word_.fetch_and(kBits, std::memory_order_relaxed);
  // acquire: pairs with the release in Release, directly or in the loop: what
  // the outsider did to the leaf happened before our frame goes on.
  const std::uintptr_t word = word_.load(std::memory_order_acquire);
  if ((word & kHeld) != 0) [[unlikely]]
    WaitWhileHeld(word);
}

void TaskContext::WaitWhileHeld(std::uintptr_t word) noexcept {
  reactor::SpinWait spin;
  while ((word & kHeld) != 0) {
    spin.Once();
    word = word_.load(std::memory_order_acquire);  // As in Retract.
  }
}

Leaf* TaskContext::Hold(std::uintptr_t also) noexcept {
  std::uintptr_t word = word_.load(std::memory_order_relaxed);
  reactor::SpinWait spin;
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
  return home()->scheduler();
}

std::uint64_t TaskContext::task_id() const noexcept {
  return static_cast<const internal::Root&>(task()).id();
}

internal::TaskList* TaskContext::HomeBehindInheritance() const noexcept {
  return &inheritance()->home;
}

}  // namespace weft
