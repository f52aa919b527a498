// Batches under a lock, and how the ones too many go back to the system.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/frame_depot.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>

#include "weft/runtime/internal/frame_poison.h"
#include "weft/runtime/internal/frame_pool.h"

namespace weft::internal {
namespace {

// Batches of each class.
constexpr std::uint32_t kFreedAtOnce = 32;

constexpr std::uint32_t BeyondTheReserve(std::uint32_t count) {
  return count > kDepotReserve ? count - kDepotReserve : 0;
}

// The first frame of a batch.
struct BatchHead : FreeFrameLink {
  std::uint32_t count;
  BatchHead* next_batch;
};
static_assert(sizeof(BatchHead) <= kSmallestFrame);

BatchHead* MakeHead(FrameBatch batch) noexcept {
  UnpoisonFrame(batch.first, sizeof(BatchHead));
  FreeFrameLink* const rest = batch.first->next;
  return ::new (batch.first) BatchHead{{rest}, batch.count, nullptr};
}

FrameBatch BatchOf(BatchHead* head) noexcept {
  if (head == nullptr) return {};
  const FrameBatch batch{.first = head, .count = head->count};
  PoisonFrame(head, sizeof(BatchHead));
  return batch;
}

void FreeFrames(FreeFrameLink* first, std::size_t size) noexcept {
  while (first != nullptr) {
    UnpoisonFrame(first, size);
    FreeFrameLink* const next = first->next;
    ::operator delete(first);
    first = next;
  }
}

void FreeBatches(BatchHead* head, std::size_t size) noexcept {
  while (head != nullptr) {
    BatchHead* const next = head->next_batch;
    FreeFrames(head, size);
    head = next;
  }
}

class DepotShelf {
 public:
  void Give(BatchHead& batch) noexcept {
    std::lock_guard lock(mutex_);
    batch.next_batch = first_;
    first_ = &batch;
    ++count_;
  }

  BatchHead* Take() noexcept {
    std::lock_guard lock(mutex_);
    return TakeLocked(1);
  }

  bool NoteWhatIsNotNeeded() noexcept {
    std::lock_guard lock(mutex_);
    not_needed_ = BeyondTheReserve(lowest_);
    lowest_ = count_;
    return not_needed_ > 0;
  }

  // Up to `limit` batches that are not needed.
  BatchHead* TakeNotNeeded(std::uint32_t limit) noexcept {
    std::lock_guard lock(mutex_);
    const std::uint32_t count = std::min(not_needed_, limit);
    not_needed_ -= count;
    return TakeLocked(count);
  }

  BatchHead* TakeAllBut(std::uint32_t keep) noexcept {
    std::lock_guard lock(mutex_);
    return TakeLocked(count_ - std::min(count_, keep));
  }

  bool is_large() noexcept {
    std::lock_guard lock(mutex_);
    return BeyondTheReserve(count_) > 0;
  }

 private:
  // From the top, `count` batches at most.
  BatchHead* TakeLocked(std::uint32_t count) noexcept {
    BatchHead* const taken = first_;
    BatchHead* last = nullptr;
    for (; count > 0 && first_ != nullptr; --count) {
      last = first_;
      first_ = first_->next_batch;
      --count_;
    }
    if (last == nullptr) return nullptr;
    last->next_batch = nullptr;
    lowest_ = std::min(lowest_, count_);
    not_needed_ = std::min(not_needed_, BeyondTheReserve(count_));
    return taken;
  }

  std::mutex mutex_;
  // Guarded by mutex_, as all below. Newest first.
  BatchHead* first_ = nullptr;
  std::uint32_t count_ = 0;
  // The smallest count since the last NoteWhatIsNotNeeded.
  std::uint32_t lowest_ = 0;
  std::uint32_t not_needed_ = 0;
};

// The one piece of shared state that is not held by a runtime: frames outlive
// runtimes and move between them. Made at first use, never destroyed.
std::array<DepotShelf, kFrameClasses>& Depot() noexcept {
  static auto* const depot = new std::array<DepotShelf, kFrameClasses>();
  return *depot;
}

}  // namespace

void GiveToDepot(FrameBatch batch, std::size_t frame_class) noexcept {
  Depot()[frame_class].Give(*MakeHead(batch));
}

FrameBatch TakeFromDepot(std::size_t frame_class) noexcept {
  return BatchOf(Depot()[frame_class].Take());
}

bool NoteWhatIsNotNeeded() noexcept {
  bool any = false;
  for (DepotShelf& shelf : Depot()) any |= shelf.NoteWhatIsNotNeeded();
  return any;
}

bool FreeWhatIsNotNeeded() noexcept {
  bool any = false;
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    BatchHead* const taken = Depot()[i].TakeNotNeeded(kFreedAtOnce);
    any |= taken != nullptr;
    FreeBatches(taken, FrameSizeOf(i));
  }
  return any;
}

bool DepotIsLarge() noexcept {
  return std::any_of(Depot().begin(), Depot().end(),
                     [](DepotShelf& shelf) { return shelf.is_large(); });
}

void TrimFrameDepot(std::uint32_t keep) noexcept {
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    FreeBatches(Depot()[i].TakeAllBut(keep), FrameSizeOf(i));
  }
}

}  // namespace weft::internal
