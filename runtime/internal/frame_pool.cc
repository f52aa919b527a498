// The thread's shelves serve almost every call; the depot evens out.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/frame_pool.h"

#include <new>
#include <utility>

#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_poison.h"

namespace weft::internal {
namespace {

FreeFrameLink* PopFront(FreeFrameLink*& first, std::size_t size) noexcept {
  FreeFrameLink* frame = first;
  UnpoisonFrame(frame, size);
  first = frame->next;
  return frame;
}
void PushFront(FreeFrameLink*& first, void* frame, std::size_t size) noexcept {
  first = ::new (frame) FreeFrameLink{first};
  PoisonFrame(frame, size);
}

// The thread's first frame: invariant 5.
void BeginCaching() noexcept {
  if (this_thread.releases_frames_at_exit) return;
  ReleaseFrameCacheAtThreadExit();
  for (FrameShelf& shelf : this_thread.frames) shelf.count -= kFullShelf;
}

[[gnu::noinline]] void* AllocateSlowly(FrameShelf& shelf,
                                       std::size_t frame_class) {
  BeginCaching();
  const FrameBatch batch = TakeFromDepot(frame_class);
  const std::size_t size = FrameSizeOf(frame_class);
  if (batch.first == nullptr) return ::operator new(size);
  shelf.first = batch.first;
  shelf.count = batch.count - 1;
  return PopFront(shelf.first, size);
}

// The newest batch stays, the others go.
void GiveOlderBatch(FrameShelf& shelf, std::size_t frame_class) noexcept {
  FreeFrameLink* last = shelf.first;
  for (std::uint32_t i = 1; i < kFrameBatch; ++i) last = last->next;
  GiveToDepot({.first = std::exchange(last->next, nullptr),
               .count = shelf.count - kFrameBatch},
              frame_class);
  shelf.count = kFrameBatch;
}

// Apart, so that FreeFrame itself saves no registers.
[[gnu::noinline]] void FreeSlowly(FrameShelf& shelf,
                                  std::size_t frame_class) noexcept {
  BeginCaching();
  if (shelf.count > kFullShelf) GiveOlderBatch(shelf, frame_class);
}

}  // namespace

void* AllocateFrameOfClass(std::size_t frame_class) {
  FrameShelf& shelf = this_thread.frames[frame_class];
  if (shelf.first == nullptr) [[unlikely]] {
    return AllocateSlowly(shelf, frame_class);
  }
  --shelf.count;
  return PopFront(shelf.first, FrameSizeOf(frame_class));
}

void FreeFrameOfClass(void* frame, std::size_t frame_class) noexcept {
  FrameShelf& shelf = this_thread.frames[frame_class];
  PushFront(shelf.first, frame, FrameSizeOf(frame_class));
  if (++shelf.count > kFullShelf) [[unlikely]] {
    FreeSlowly(shelf, frame_class);
  }
}

void ReleaseFrameCache() noexcept {
  FrameCache& cache = Here().frames;
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    FrameShelf& shelf = cache[i];
    if (shelf.first == nullptr) continue;
    GiveToDepot({.first = std::exchange(shelf.first, nullptr),
                 .count = std::exchange(shelf.count, 0)},
                i);
  }
}

}  // namespace weft::internal
