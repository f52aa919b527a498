// Poison for free frames: the address sanitizer reports whoever touches one.
//
// The link is left out: the leak checker follows no pointer in poisoned memory,
// and must find the frames behind this one.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FRAME_POISON_H_
#define WEFT_RUNTIME_INTERNAL_FRAME_POISON_H_

#include <cstddef>

#include "absl/base/config.h"
#include "weft/runtime/internal/frame_depot.h"

// The poisoning interface exists only in builds with the address sanitizer.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace weft::internal {

inline void PoisonFrame(void* frame, std::size_t size) noexcept {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
  __asan_poison_memory_region(static_cast<FreeFrameLink*>(frame) + 1,
                              size - sizeof(FreeFrameLink));
#endif
  static_cast<void>(frame), static_cast<void>(size);
}

inline void UnpoisonFrame(void* frame, std::size_t size) noexcept {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(frame, size);
#endif
  static_cast<void>(frame), static_cast<void>(size);
}

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FRAME_POISON_H_
