// The frame pool: where coroutine frames come from, and go back to.
//
//     a thread's shelves         the depot, shared (frame_depot.h)
//     [ 24][ 40][ 56]...[1032]   the same classes, one lock each
//        |   ^   a batch moves when a shelf is empty or too full
//        v   |
//      frames
//
// A lazy task costs 16 ns with malloc and 5 with a recycled frame, so frames
// are kept in lists by size and handed out last in, first out: the next frame
// is warm in the cache. Classes are 16 bytes apart and 8 above a multiple of
// 16, which is what glibc's malloc serves without waste.
//
// Invariants
//   1. A thread's shelves are touched by its thread only.
//   2. A shelf holds at most two batches; with a frame more, the older one goes
//      to the depot. So frames that are made on one thread and freed on another
//      flow back and do not pile up, and a thread that allocates and frees
//      around the edge of a batch does not go to the depot each time.
//   3. Frames larger than the largest class go to operator new and back.
//   4. Under the address sanitizer a free frame is poisoned.
//   5. What a thread has goes to the depot when the thread ends. Its first
//      frame, be it allocated or only freed here, sees to that: until then
//      every shelf says that it is full, and so the first one comes by the slow
//      path.
//
// Rejected: an owner id in each frame and a queue of remotely freed ones (8
// bytes a frame, a compare-and-swap for each remote free); slabs (no header,
// but a frame that lives long keeps all its neighbours).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FRAME_POOL_H_
#define WEFT_RUNTIME_INTERNAL_FRAME_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include "weft/runtime/internal/frame_depot.h"

namespace weft::internal {

inline constexpr std::size_t kFrameStep = 16;
inline constexpr std::size_t kFrameClasses = 64;
inline constexpr std::size_t kSmallestFrame = 24;
inline constexpr std::uint32_t kFrameBatch = 32;

// 24 -> 0, 40 -> 1, 56 -> 2: the smallest class that holds `size` bytes.
constexpr std::size_t FrameClassOf(std::size_t size) {
  if (size <= kSmallestFrame) return 0;
  return (size - kSmallestFrame + kFrameStep - 1) / kFrameStep;
}
constexpr std::size_t FrameSizeOf(std::size_t frame_class) {
  return kSmallestFrame + frame_class * kFrameStep;
}
inline constexpr std::size_t kLargestFrame = FrameSizeOf(kFrameClasses - 1);

inline constexpr std::uint32_t kFullShelf = 2 * kFrameBatch;

// The free frames of one thread and one class.
struct FrameShelf {
  FreeFrameLink* first = nullptr;
  std::uint32_t count = kFullShelf;  // Invariant 5; from then on, the truth.
};

using FrameCache = std::array<FrameShelf, kFrameClasses>;

// Out of line, since they read the thread-local; the class comes as a constant.
[[gnu::noinline]] void* AllocateFrameOfClass(std::size_t frame_class);
[[gnu::noinline]] void FreeFrameOfClass(void* frame,
                                        std::size_t frame_class) noexcept;

// Threads: any; a frame may be freed on another thread than it was made on.
// Throws std::bad_alloc when memory runs out.
inline void* AllocateFrame(std::size_t size) {
  if (size > kLargestFrame) return ::operator new(size);
  return AllocateFrameOfClass(FrameClassOf(size));
}
inline void FreeFrame(void* frame, std::size_t size) noexcept {
  if (size > kLargestFrame) return ::operator delete(frame);
  FreeFrameOfClass(frame, FrameClassOf(size));
}

// Gives everything this thread has to the depot. Runs by itself when a thread
// ends.
void ReleaseFrameCache() noexcept;

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FRAME_POOL_H_
