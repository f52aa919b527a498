// Stack<T>: the newest value first, in an array that never grows. The store of
// a LifoQueue.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_STACK_H_
#define WEFT_SYNC_STACK_H_

#include <cstddef>
#include <utility>

#include "weft/sync/places.h"

namespace weft::sync {

template <typename T>
class Stack : public Places<T> {
 public:
  explicit Stack(std::size_t capacity) : Places<T>(capacity) {}
  ~Stack() {
    while (!this->empty()) static_cast<void>(Pop());
  }

  // Requires: not full.
  void Push(T&& value) noexcept {
    this->Put(this->size(), std::move(value));
    this->set_size(this->size() + 1);
  }

  // Requires: not empty.
  T Pop() noexcept {
    this->set_size(this->size() - 1);
    return this->Take(this->size());
  }
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_STACK_H_
