// Is a history of operations that overlapped in time the history of a
// sequential object?
//
//     thread 1   |--send 1--|        |--receive: 2--|
//     thread 2        |----send 2----|
//
// It is, if every operation can be given one moment between its call and its
// return such that, one after the other, they do what the sequential object
// does. Here the two sends overlap, and "2, then 1" explains what was received.
//
// The search is that of Wing and Gong, "Testing and Verifying Concurrent
// Objects", JPDC 1993, with what was tried before remembered, after Lowe,
// "Testing for linearizability", 2017. It is exponential in how many operations
// overlap, so histories are short (64 operations at most) and many.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_LINEARIZABILITY_H_
#define WEFT_TESTS_SUPPORT_LINEARIZABILITY_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"

namespace weft::tests {

// An operation with its answer, and when it was called and returned.
template <typename Operation>
struct Timed {
  Operation operation;
  std::uint64_t called = 0;
  std::uint64_t returned = 0;
};

template <typename Operation>
using History = std::vector<Timed<Operation>>;

// Moments in one order for all threads.
class Moments {
 public:
  // seq_cst: two operations of which one returned before the other was called
  // must not be taken for overlapping the other way round.
  std::uint64_t Next() noexcept { return next_.fetch_add(1); }

 private:
  std::atomic<std::uint64_t> next_{1};
};

// `Object` is the sequential object: a value with operator<, and
//     bool Apply(const Operation&)   changes it as the operation does; false if
//                                    the answer is none that it could give
template <typename Object, typename Operation>
class LinearizabilityCheck {
 public:
  LinearizabilityCheck(const History<Operation>& history, Object initial)
      : history_(history), all_(Mask(history.size())) {
    ABSL_RAW_CHECK(history.size() <= 64, "a history of 64 operations at most");
    holds_ = Explain(0, std::move(initial));
  }

  bool holds() const { return holds_; }

 private:
  static std::uint64_t Mask(std::size_t count) {
    return count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  }

  // Whether what is not in `done` can follow, in some order.
  bool Explain(std::uint64_t done, Object object) {
    if (done == all_) return true;
    if (!tried_.insert({done, object}).second) return false;
    std::uint64_t earliest_return = ~std::uint64_t{0};
    for (std::uint64_t left = all_ & ~done; left != 0; left &= left - 1) {
      const auto& each = history_[std::countr_zero(left)];
      earliest_return = std::min(earliest_return, each.returned);
    }
    for (std::uint64_t left = all_ & ~done; left != 0; left &= left - 1) {
      const int i = std::countr_zero(left);
      // Behind one that has returned before it was called.
      if (history_[i].called > earliest_return) continue;
      Object next = object;
      if (next.Apply(history_[i].operation) &&
          Explain(done | (std::uint64_t{1} << i), std::move(next))) {
        return true;
      }
    }
    return false;
  }

  const History<Operation>& history_;
  const std::uint64_t all_;
  std::set<std::pair<std::uint64_t, Object>> tried_;
  bool holds_ = false;
};

template <typename Object, typename Operation>
bool IsLinearizable(const History<Operation>& history, Object initial) {
  return LinearizabilityCheck<Object, Operation>(history, std::move(initial))
      .holds();
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_LINEARIZABILITY_H_
