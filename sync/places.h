// Places<T>: room for so many values, of which some are there. What a Ring, a
// Stack and a Heap are made of; they differ in which value goes where.
//
// Not thread-safe, but for size() and what it tells: from beside the lock that
// guards the store they are hints. Values are constructed when they are put,
// and destroyed when they are taken: a thousand empty places hold no T.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_PLACES_H_
#define WEFT_SYNC_PLACES_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "weft/runtime/atomic.h"

namespace weft::sync {

template <typename T>
class Places {
 public:
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return size() == capacity_; }
  std::size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

 protected:
  explicit Places(std::size_t capacity)
      : capacity_(capacity), places_(std::allocator<T>().allocate(capacity)) {}
  // Whoever derives from it has taken what was there.
  ~Places() { std::allocator<T>().deallocate(places_, capacity_); }

  void Put(std::size_t place, T&& value) noexcept {
    std::construct_at(&places_[place], std::move(value));
  }
  T Take(std::size_t place) noexcept {
    T value = std::move(places_[place]);
    std::destroy_at(&places_[place]);
    return value;
  }
  const T& at(std::size_t place) const noexcept { return places_[place]; }

  // relaxed: whoever needs more than a hint has the lock.
  void set_size(std::size_t size) noexcept {
    size_.store(size, std::memory_order_relaxed);
  }

 private:
  const std::size_t capacity_;
  T* const places_;
  Atomic<std::size_t> size_{0};
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_PLACES_H_
