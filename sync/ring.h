// Ring<T>: a queue in an array that never grows. The store of a channel.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_RING_H_
#define WEFT_SYNC_RING_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "weft/runtime/atomic.h"

namespace weft::sync {

// Not thread-safe, but for size() and what it tells: from beside the lock that
// guards the ring they are hints. Values are constructed in place when pushed,
// and destroyed when popped: a ring of a thousand empty places holds no T.
template <typename T>
class Ring {
 public:
  explicit Ring(std::size_t capacity)
      : capacity_(capacity), places_(std::allocator<T>().allocate(capacity)) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    while (!empty()) static_cast<void>(Pop());
    std::allocator<T>().deallocate(places_, capacity_);
  }

  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return size() == capacity_; }
  std::size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  // Requires: not full.
  void Push(T&& value) noexcept {
    std::size_t place = oldest_ + size();
    if (place >= capacity_) place -= capacity_;
    std::construct_at(&places_[place], std::move(value));
    set_size(size() + 1);
  }

  // Requires: not empty.
  T Pop() noexcept {
    T value = std::move(places_[oldest_]);
    std::destroy_at(&places_[oldest_]);
    if (++oldest_ == capacity_) oldest_ = 0;
    set_size(size() - 1);
    return value;
  }

 private:
  // relaxed: whoever needs more than a hint has the lock.
  void set_size(std::size_t size) noexcept {
    size_.store(size, std::memory_order_relaxed);
  }

  const std::size_t capacity_;
  T* const places_;
  std::size_t oldest_ = 0;
  Atomic<std::size_t> size_{0};
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_RING_H_
