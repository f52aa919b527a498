// The thread's cache serves almost every call; the depot evens out.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/frame_pool.h"

#include <mutex>
#include <new>
#include <utility>

#include "absl/base/config.h"
#include "weft/runtime/current.h"

// The poisoning interface exists only in builds with the address sanitizer.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace weft::internal {
namespace {

constexpr std::uint32_t kDepotBatches = 256;

constexpr std::size_t SizeOf(std::size_t frame_class) {
  return frame_class * kFrameStep + 8;
}

// All but the link: the leak checker follows no pointer in poisoned memory, and
// must find the frames behind this one.
void Poison(void* frame, std::size_t size) noexcept {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
  __asan_poison_memory_region(static_cast<FreeFrameLink*>(frame) + 1,
                              size - sizeof(FreeFrameLink));
#endif
  static_cast<void>(frame), static_cast<void>(size);
}
void Unpoison(void* frame, std::size_t size) noexcept {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(frame, size);
#endif
  static_cast<void>(frame), static_cast<void>(size);
}

// Frames of one class on their way between threads.
struct DepotShelf {
  std::mutex mutex;
  FreeFrameLink* first = nullptr;  // Guarded by mutex, as is the count.
  std::uint32_t count = 0;
};

// The one piece of shared state that is not held by a runtime: frames outlive
// runtimes and move between them. Constant-initialised, never destroyed.
std::array<DepotShelf, kFrameClasses>& Depot() noexcept {
  static auto* const depot = new std::array<DepotShelf, kFrameClasses>();
  return *depot;
}

FreeFrameLink* PopFront(FreeFrameLink*& first, std::size_t size) noexcept {
  FreeFrameLink* frame = first;
  Unpoison(frame, size);
  first = frame->next;
  return frame;
}
void PushFront(FreeFrameLink*& first, void* frame, std::size_t size) noexcept {
  first = ::new (frame) FreeFrameLink{first};
  Poison(frame, size);
}

void FreeAll(FreeFrameLink* first, std::size_t size) noexcept {
  while (first != nullptr) ::operator delete(PopFront(first, size));
}

// Moves up to `count` frames from the front of one list to another.
std::uint32_t Move(FreeFrameLink*& from, FreeFrameLink*& to,
                   std::uint32_t count, std::size_t size) noexcept {
  std::uint32_t moved = 0;
  for (; moved < count && from != nullptr; ++moved) {
    PushFront(to, PopFront(from, size), size);
  }
  return moved;
}

void SpillBatch(FrameShelf& shelf, std::size_t frame_class) noexcept {
  const std::size_t size = SizeOf(frame_class);
  FreeFrameLink* batch = nullptr;
  const std::uint32_t moved = Move(shelf.first, batch, kFrameBatch, size);
  shelf.count -= moved;
  DepotShelf& depot = Depot()[frame_class];
  {
    std::lock_guard lock(depot.mutex);
    if (depot.count < kDepotBatches * kFrameBatch) {
      depot.count += Move(batch, depot.first, moved, size);
    }
  }
  FreeAll(batch, size);
}

void Refill(FrameShelf& shelf, std::size_t frame_class) noexcept {
  DepotShelf& depot = Depot()[frame_class];
  std::lock_guard lock(depot.mutex);
  const std::uint32_t moved =
      Move(depot.first, shelf.first, kFrameBatch, SizeOf(frame_class));
  depot.count -= moved;
  shelf.count += moved;
}

// The thread's first frame: invariant 6.
void BeginCaching() noexcept {
  if (this_thread.releases_frames_at_exit) return;
  ReleaseFrameCacheAtThreadExit();
  for (FrameShelf& shelf : this_thread.frames) shelf.count -= kFullShelf;
}

[[gnu::noinline]] void* AllocateSlowly(FrameShelf& shelf,
                                       std::size_t frame_class) {
  BeginCaching();
  Refill(shelf, frame_class);
  const std::size_t size = SizeOf(frame_class);
  if (shelf.first == nullptr) return ::operator new(size);
  --shelf.count;
  return PopFront(shelf.first, size);
}

// Apart, so that FreeFrame itself saves no registers.
[[gnu::noinline]] void FreeSlowly(FrameShelf& shelf,
                                  std::size_t frame_class) noexcept {
  BeginCaching();
  if (shelf.count > kFullShelf) SpillBatch(shelf, frame_class);
}

}  // namespace

void* AllocateFrameOfClass(std::size_t frame_class) {
  FrameShelf& shelf = this_thread.frames[frame_class];
  if (shelf.first == nullptr) [[unlikely]] {
    return AllocateSlowly(shelf, frame_class);
  }
  --shelf.count;
  return PopFront(shelf.first, SizeOf(frame_class));
}

void FreeFrameOfClass(void* frame, std::size_t frame_class) noexcept {
  FrameShelf& shelf = this_thread.frames[frame_class];
  PushFront(shelf.first, frame, SizeOf(frame_class));
  if (++shelf.count > kFullShelf) [[unlikely]] {
    FreeSlowly(shelf, frame_class);
  }
}

void ReleaseFrameCache() noexcept {
  FrameCache& cache = Here().frames;
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    while (cache[i].first != nullptr) SpillBatch(cache[i], i);
  }
}

void TrimFrameDepot() noexcept {
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    DepotShelf& depot = Depot()[i];
    std::lock_guard lock(depot.mutex);
    FreeAll(std::exchange(depot.first, nullptr), SizeOf(i));
    depot.count = 0;
  }
}

}  // namespace weft::internal
