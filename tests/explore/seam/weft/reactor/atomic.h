// Atomic<T> as the explorer has it: every operation is a decision of its.
//
// It stands in for the library's weft/reactor/atomic.h, by coming first in the
// include path of the models and of what they link.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_ATOMIC_H_
#define WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_ATOMIC_H_

#include <atomic>
#include <bit>
#include <cstdint>
#include <source_location>
#include <type_traits>

#include "weft/tests/explore/explorer.h"

namespace weft::reactor {

template <typename T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  using Order = std::memory_order;
  using Where = std::source_location;
  using Operation = explore::Operation;

 public:
  constexpr Atomic() noexcept : Atomic(T()) {}
  constexpr Atomic(T value) noexcept  // NOLINT: as std::atomic has it.
      : word_(Encode(value)) {}

  T load(Order order = Order::seq_cst,
         Where where = Where::current()) const noexcept {
    return Decode(explore::Load(word_, order, where));
  }
  void store(T value, Order order = Order::seq_cst,
             Where where = Where::current()) noexcept {
    explore::Store(word_, Encode(value), order, where);
  }
  T exchange(T value, Order order = Order::seq_cst,
             Where where = Where::current()) noexcept {
    const T before = Decode(explore::BeginUpdate(word_));
    explore::EndUpdate(word_, Encode(value), Operation::kExchange, order,
                       where);
    return before;
  }
  bool compare_exchange_strong(T& expected, T desired, Order success,
                               Order failure,
                               Where where = Where::current()) noexcept {
    const std::uint64_t before = explore::BeginUpdate(word_);
    if (before == Encode(expected)) {
      explore::EndUpdate(word_, Encode(desired), Operation::kSwap, success,
                         where);
      return true;
    }
    explore::FailSwap(word_, failure, where);
    expected = Decode(before);
    return false;
  }
  bool compare_exchange_strong(T& expected, T desired,
                               Order order = Order::seq_cst,
                               Where where = Where::current()) noexcept {
    return compare_exchange_strong(expected, desired, order, Failing(order),
                                   where);
  }
  // Never fails for no reason: all callers loop.
  bool compare_exchange_weak(T& expected, T desired, Order success,
                             Order failure,
                             Where where = Where::current()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, where);
  }

  T fetch_add(T by, Order order = Order::seq_cst,
              Where where = Where::current()) noexcept {
    return Update([by](T value) { return static_cast<T>(value + by); }, order,
                  where);
  }
  T fetch_sub(T by, Order order = Order::seq_cst,
              Where where = Where::current()) noexcept {
    return Update([by](T value) { return static_cast<T>(value - by); }, order,
                  where);
  }
  T fetch_or(T bits, Order order = Order::seq_cst,
             Where where = Where::current()) noexcept {
    return Update([bits](T value) { return static_cast<T>(value | bits); },
                  order, where);
  }
  T fetch_and(T bits, Order order = Order::seq_cst,
              Where where = Where::current()) noexcept {
    return Update([bits](T value) { return static_cast<T>(value & bits); },
                  order, where);
  }

 private:
  template <typename Change>
  T Update(Change change, Order order, const Where& where) noexcept {
    const T before = Decode(explore::BeginUpdate(word_));
    explore::EndUpdate(word_, Encode(change(before)), Operation::kUpdate, order,
                       where);
    return before;
  }

  static constexpr Order Failing(Order order) noexcept {
    if (order == Order::acq_rel) return Order::acquire;
    if (order == Order::release) return Order::relaxed;
    return order;
  }

  static constexpr std::uint64_t Encode(T value) noexcept {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      return static_cast<std::uint64_t>(value);
    } else {
      return std::bit_cast<std::uint64_t>(value);
    }
  }
  static T Decode(std::uint64_t bits) noexcept {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      return static_cast<T>(bits);
    } else {
      return std::bit_cast<T>(bits);
    }
  }

  mutable explore::Word word_;
};

}  // namespace weft::reactor

#endif  // WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_ATOMIC_H_
