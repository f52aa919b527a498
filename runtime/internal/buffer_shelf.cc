// A list of free buffers, linked through the buffers themselves.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/buffer_shelf.h"

#include <new>

#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_poison.h"

namespace weft::internal {
namespace {

void* PopFront(BufferShelf& shelf) noexcept {
  FreeFrameLink* const buffer = shelf.first;
  UnpoisonFrame(buffer, kLeasedBufferSize);
  shelf.first = buffer->next;
  --shelf.count;
  return buffer;
}

}  // namespace

void* TakeBuffer() noexcept {
  BufferShelf& shelf = this_thread.buffers;
  if (shelf.first != nullptr) return PopFront(shelf);
  return ::operator new(kLeasedBufferSize, std::nothrow);
}

void ReturnBuffer(void* buffer) noexcept {
  BufferShelf& shelf = this_thread.buffers;
  if (shelf.count == kFullBufferShelf) return ::operator delete(buffer);
  if (shelf.first == nullptr) ReleaseBufferShelfAtThreadExit();
  shelf.first = ::new (buffer) FreeFrameLink{shelf.first};
  ++shelf.count;
  PoisonFrame(buffer, kLeasedBufferSize);
}

void ReleaseBufferShelf() noexcept {
  BufferShelf& shelf = this_thread.buffers;
  while (shelf.first != nullptr) ::operator delete(PopFront(shelf));
}

}  // namespace weft::internal
