// FrameOwner: the one owner of a coroutine frame, and how a long chain of
// suspended frames dies without recursion.
//
// A suspended chain  root -> a -> b -> c  is owned link by link: the awaiter in
// root's frame owns a, the one in a's frame owns b. Destroying root would
// recurse once for each link, and a million links overflow the stack. So a
// stopped runtime destroys from the leaf up: c, then b, then a (Unwind, below).
// When b's frame dies, its awaiter still believes it owns c; it finds that c is
// the frame that has just been torn down, and leaves it alone.
//
// Why this is safe against reuse of c's memory: the awaiter is the youngest
// object of the frame that waits, so its destructor is the first thing that
// runs in it, before any user code could allocate a frame at the same address.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FRAME_OWNER_H_
#define WEFT_RUNTIME_INTERNAL_FRAME_OWNER_H_

#include <concepts>
#include <coroutine>
#include <utility>

#include "weft/runtime/promise.h"

namespace weft::internal {

// Destroys `frame`, unless it is the one that Unwind has just destroyed.
void DestroyUnlessTornDown(std::coroutine_handle<> frame) noexcept;

// Destroys a chain of suspended frames: the one of `leaf` first, then whoever
// awaits it, and so on, up to but not including `stop` (null at the root of a
// task). The owner of the last one must Forget() it.
// Requires: nothing can resume any of them.
void Unwind(PromiseBase* leaf, PromiseBase* stop) noexcept;

template <typename Promise>
class FrameOwner {
 public:
  FrameOwner() = default;
  explicit FrameOwner(std::coroutine_handle<Promise> frame) noexcept
      : frame_(frame) {}
  FrameOwner(FrameOwner&& other) noexcept : frame_(other.Release()) {}
  // To whoever does not need to know the type of the result.
  template <std::derived_from<Promise> Derived>
    requires(!std::same_as<Derived, Promise>)
  FrameOwner(FrameOwner<Derived>&& other) noexcept  // NOLINT: as a pointer's
      : frame_(std::coroutine_handle<Promise>::from_address(
            other.Release().address())) {}
  FrameOwner& operator=(FrameOwner&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FrameOwner() {
    if (frame_) DestroyUnlessTornDown(frame_);
  }

  explicit operator bool() const noexcept { return frame_ != nullptr; }
  std::coroutine_handle<Promise> handle() const noexcept { return frame_; }
  Promise& promise() const noexcept { return frame_.promise(); }

  // Destroys a frame that has completed: the everyday way, with no question
  // asked.
  void Destroy() noexcept { std::exchange(frame_, nullptr).destroy(); }

  // After Unwind.
  void Forget() noexcept { frame_ = nullptr; }

  // The caller owns the frame from here on.
  std::coroutine_handle<Promise> Release() noexcept {
    return std::exchange(frame_, nullptr);
  }

 private:
  std::coroutine_handle<Promise> frame_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FRAME_OWNER_H_
