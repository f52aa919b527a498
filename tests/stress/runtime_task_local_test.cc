// TaskLocals on several workers: in forks whose branches are stolen, in
// children and in races, every task sees what was bound around it.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/race.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_local.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

constinit TaskLocal<std::int64_t> local;

bool Sees(std::int64_t expected) {
  const std::int64_t* const value = local.Get();
  return value != nullptr && *value == expected;
}

Task<int> Child(std::int64_t expected) { co_return Sees(expected) ? 0 : 1; }

// How many leaves of a tree of forks saw something else. Some wait, some ask
// whether they are cancelled, and so announce the forks above them.
Task<int> Wrong(int depth, std::int64_t expected, std::uint64_t task) {
  if (depth > 0) {
    auto [a, b, c] = co_await WhenAll(Wrong(depth - 1, expected, task),
                                      Wrong(depth - 1, expected, task),
                                      Wrong(depth - 1, expected, task));
    co_return a + b + c;
  }
  int wrong = Sees(expected) ? 0 : 1;
  if (expected % 3 == 0) co_await Yield();
  if (expected % 5 == 0) {
    JoinHandle<int> child = Spawn(Child(expected));
    const absl::StatusOr<int> childs = co_await child.Join();
    wrong += childs.value_or(0);
  }
  std::ignore = IsCancelled();
  co_return wrong + (Sees(expected) && CurrentTaskId() == task ? 0 : 1);
}

Task<int> WrongInside(int depth, std::int64_t value, std::uint64_t task) {
  const int wrong = co_await local.With(value, Wrong(depth, value, task));
  co_return wrong;
}

Task<int> WrongInAll(std::int64_t value) {
  const std::uint64_t task = CurrentTaskId();
  auto [a, b] = co_await WhenAll(WrongInside(3, 2 * value, task),
                                 WrongInside(3, 2 * value + 1, task));
  auto raced = co_await Race(WrongInside(2, value, task),
                             WrongInside(2, value + 7, task));
  co_return a + b + raced.result;
}

TEST(RuntimeTaskLocalStressTest, EveryBranchSeesWhatIsBoundAroundIt) {
  Runtime runtime({.workers = 4});
  const std::int64_t rounds = tests::Times(40);
  for (std::int64_t round = 0; round < rounds; ++round) {
    std::vector<JoinHandle<int>> tasks;
    for (std::int64_t i = 0; i < 8; ++i) {
      tasks.push_back(runtime.Spawn(WrongInAll(round * 8 + i)));
    }
    for (auto& task : tasks) EXPECT_EQ(*task.BlockingJoin(), 0);
  }
}

}  // namespace
}  // namespace weft
