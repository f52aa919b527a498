// What the tests of Select have in common.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_SELECT_STEPS_H_
#define WEFT_TESTS_SYNC_SELECT_STEPS_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/select.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/select.h"

namespace weft::sync {

using Chosen = absl::StatusOr<std::size_t>;
// A value that can be lost.
using Box = std::unique_ptr<int>;

// Keeps what an arm gave.
template <typename T>
class Into {
 public:
  explicit Into(std::vector<T>& values) : values_(values) {}
  void operator()(absl::StatusOr<T> value) {
    if (value.ok()) values_.push_back(*std::move(value));
  }

 private:
  std::vector<T>& values_;
};

inline void Fill(Channel<int>& channel, std::vector<int> values) {
  for (int& value : values) ASSERT_TRUE(channel.TrySend(value));
}

inline Task<Chosen> ReceiveFrom(Channel<int>& left, Channel<int>& right,
                                std::vector<int>& values) {
  co_return co_await Select(OnReceive(left, Into(values)),
                            OnReceive(right, Into(values)));
}

}  // namespace weft::sync

#endif  // WEFT_TESTS_SYNC_SELECT_STEPS_H_
