// Plain<T>: a variable that is no atomic, and says so when two threads race.
//
// A model keeps its payload in these. Every access must happen before or after
// each write by another thread; an order that was dropped from an atomic shows
// here.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_PLAIN_H_
#define WEFT_TESTS_EXPLORE_PLAIN_H_

#include <array>
#include <cstdint>
#include <utility>

#include "weft/tests/explore/explorer.h"

namespace weft::explore {

// Who accessed a variable last, and when.
class Accesses {
 public:
  // Both fail the execution when they race.
  void Read();
  void Write();

 private:
  int writer_ = -1;
  std::uint32_t written_ = 0;
  std::array<std::uint32_t, kMaxThreads> read_{};
};

template <typename T>
class Plain {
 public:
  Plain() = default;
  explicit Plain(T value) : value_(std::move(value)) {}

  const T& Get() const {
    accesses_.Read();
    return value_;
  }
  void Set(T value) {
    accesses_.Write();
    value_ = std::move(value);
  }

 private:
  mutable Accesses accesses_;
  T value_{};
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_PLAIN_H_
