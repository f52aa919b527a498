// Heap<T>: the smallest value first, and of equal ones the oldest, in an array
// that never grows. The store of a PriorityQueue.
//
//                 [0] the first to go
//             [1]             [2]          no child goes before its parent
//          [3]   [4]       [5]   [6]
//
// A heap alone forgets the order in which equal values came, so each value has
// a turn beside it, and the turn decides between equals.
//
// Values are moved into a hole that wanders, by construction and destruction:
// std::push_heap would want them to be assignable, which a Message need not be.
// After Williams, "Algorithm 232: Heapsort", CACM 1964.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_HEAP_H_
#define WEFT_SYNC_HEAP_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "weft/sync/places.h"

namespace weft::sync {

// Which of two values goes first. It is asked under a spin lock, a few times
// log2(capacity) an operation: so it must not throw, and should be short.
// std::less<> says whether it throws; std::less<T> promises nothing, and is
// refused. So is the order of std::pair, which promises nothing either: a
// struct with a defaulted operator<=> takes its place.
template <typename Compare, typename T>
concept QuickOrder =
    std::default_initializable<Compare> &&
    requires(const Compare& compare, const T& one, const T& other) {
      { compare(one, other) } noexcept -> std::same_as<bool>;
    };

namespace heaps {

// A value, and the how-manieth it was.
template <typename T>
struct InTurn {
  T value;
  std::uint64_t turn;
};

}  // namespace heaps

template <typename T, QuickOrder<T> Compare = std::less<>>
class Heap : public Places<heaps::InTurn<T>> {
 public:
  explicit Heap(std::size_t capacity) : Places<heaps::InTurn<T>>(capacity) {}
  ~Heap() {
    while (!this->empty()) static_cast<void>(Pop());
  }

  // Requires: not full.
  void Push(T&& value) noexcept {
    heaps::InTurn<T> newcomer{std::move(value), turns_++};
    std::size_t hole = this->size();
    while (hole > 0 && GoesBefore(newcomer, this->at(Parent(hole)))) {
      this->Put(hole, this->Take(Parent(hole)));
      hole = Parent(hole);
    }
    this->Put(hole, std::move(newcomer));
    this->set_size(this->size() + 1);
  }

  // Requires: not empty.
  T Pop() noexcept {
    heaps::InTurn<T> first = this->Take(0);
    this->set_size(this->size() - 1);
    if (!this->empty()) Settle(this->Take(this->size()));
    return std::move(first.value);
  }

 private:
  static std::size_t Parent(std::size_t place) noexcept {
    return (place - 1) / 2;
  }

  bool GoesBefore(const heaps::InTurn<T>& one,
                  const heaps::InTurn<T>& other) const noexcept {
    if (compare_(one.value, other.value)) return true;
    if (compare_(other.value, one.value)) return false;
    return one.turn < other.turn;
  }

  // Finds a place for the last one, now that the first place is a hole.
  void Settle(heaps::InTurn<T> last) noexcept {
    std::size_t hole = 0;
    for (std::size_t child = 1; child < this->size(); child = 2 * hole + 1) {
      const bool has_sibling = child + 1 < this->size();
      if (has_sibling && GoesBefore(this->at(child + 1), this->at(child))) {
        ++child;
      }
      if (!GoesBefore(this->at(child), last)) break;
      this->Put(hole, this->Take(child));
      hole = child;
    }
    this->Put(hole, std::move(last));
  }

  [[no_unique_address]] const Compare compare_{};
  std::uint64_t turns_ = 0;
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_HEAP_H_
