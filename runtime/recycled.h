// Recycled: objects that are made and freed as often as coroutine frames come
// from where those come from (frame_pool.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_RECYCLED_H_
#define WEFT_RUNTIME_RECYCLED_H_

#include <cstddef>

#include "weft/runtime/internal/frame_pool.h"

namespace weft {

// A base class. Threads: any; an object may be freed on another thread than it
// was made on. Throws std::bad_alloc when memory runs out.
class Recycled {
 public:
  static void* operator new(std::size_t size) {
    return internal::AllocateFrame(size);
  }
  static void operator delete(void* object, std::size_t size) noexcept {
    internal::FreeFrame(object, size);
  }

 protected:
  Recycled() = default;
  ~Recycled() = default;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_RECYCLED_H_
