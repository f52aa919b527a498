// The buffer shelf: where leased buffers come from, and go back to.
//
//     this thread    first -> [20 KiB] -> [20 KiB]     last in, first out
//                        |      ^
//                      Take   Return                   empty: operator new
//                                                      full: operator delete
//
// A worker that serves a thousand connections reads from one of them at a time,
// so one buffer, warm in its cache, serves them all.
//
// Invariants
//   1. A thread's shelf is touched by its thread only.
//   2. It holds kFullBufferShelf buffers at most; the next one is freed. So a
//      thread that only gives back, what others take, piles up nothing.
//   3. Under the address sanitizer a free buffer is poisoned.
//   4. What a thread has is freed when the thread ends.
//
// Rejected: classes of the frame pool (a batch of 32, which is what moves
// between its shelves and its depot, would be 640 KiB); a depot of
// their own (a buffer that is made is 20 KiB of pages to touch, beside which a
// malloc is nothing, and few are taken on one worker and given back on
// another).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_BUFFER_SHELF_H_
#define WEFT_RUNTIME_INTERNAL_BUFFER_SHELF_H_

#include <cstddef>
#include <cstdint>

#include "weft/runtime/internal/frame_depot.h"

namespace weft::internal {

// A message of 16 KiB fits, and a TLS record (RFC 8446 section 5.2), and leaves
// room: a read that fills its buffer is followed by one that finds nothing, for
// a twentieth of what such a message costs to echo.
inline constexpr std::size_t kLeasedBufferSize = std::size_t{20} * 1024;
inline constexpr std::uint32_t kFullBufferShelf = 64;

// The free buffers of one thread.
struct BufferShelf {
  FreeFrameLink* first = nullptr;
  std::uint32_t count = 0;
  bool is_released_at_exit = false;
};

// The one that was given back last; a new one when there is none; null when
// memory runs out.
void* TakeBuffer() noexcept;
// Threads: any; not only the one that took it.
void ReturnBuffer(void* buffer) noexcept;

// Frees everything this thread has. Runs by itself when a thread ends.
void ReleaseBufferShelf() noexcept;

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_BUFFER_SHELF_H_
