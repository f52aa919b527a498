// Ring<T>: a queue in an array that never grows. The store of a channel.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_RING_H_
#define WEFT_SYNC_RING_H_

#include <cstddef>
#include <utility>

#include "weft/sync/places.h"

namespace weft::sync {

template <typename T>
class Ring : public Places<T> {
 public:
  explicit Ring(std::size_t capacity) : Places<T>(capacity) {}
  ~Ring() {
    while (!this->empty()) static_cast<void>(Pop());
  }

  // Requires: not full.
  void Push(T&& value) noexcept {
    std::size_t place = oldest_ + this->size();
    if (place >= this->capacity()) place -= this->capacity();
    this->Put(place, std::move(value));
    this->set_size(this->size() + 1);
  }

  // Requires: not empty.
  T Pop() noexcept {
    const std::size_t place = oldest_;
    if (++oldest_ == this->capacity()) oldest_ = 0;
    this->set_size(this->size() - 1);
    return this->Take(place);
  }

 private:
  std::size_t oldest_ = 0;
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_RING_H_
