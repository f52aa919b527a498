// Tests of weft::sync::Heap: the smallest first, equal ones in the order they
// came, and every value destroyed once.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/heap.h"

#include <algorithm>
#include <compare>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;

template <typename Store>
auto Drain(Store& store) {
  std::vector<decltype(store.Pop())> drained;
  while (!store.empty()) drained.push_back(store.Pop());
  return drained;
}

TEST(HeapTest, GivesTheSmallestValueFirst) {
  Heap<int> heap(5);

  for (int i : {3, 1, 5, 2, 4}) heap.Push(std::move(i));

  EXPECT_TRUE(heap.full());
  EXPECT_THAT(Drain(heap), ElementsAre(1, 2, 3, 4, 5));
}

TEST(HeapTest, GivesTheLargestFirstWhereItIsToldSo) {
  Heap<int, std::greater<>> heap(3);

  for (int i : {2, 3, 1}) heap.Push(std::move(i));

  EXPECT_THAT(Drain(heap), ElementsAre(3, 2, 1));
}

// A move-only value with a rank, and a number by which to tell equals apart.
struct Job {
  int rank;
  std::unique_ptr<int> number;
};

struct ByRank {
  bool operator()(const Job& one, const Job& other) const noexcept {
    return one.rank < other.rank;
  }
};

TEST(HeapTest, GivesWhatAStableSortWouldWhateverComesAndGoesBetween) {
  std::minstd_rand random(1);
  Heap<Job, ByRank> heap(64);
  std::vector<std::pair<int, int>> expected;  // Rank and number, in order.
  int number = 0;

  for (int step = 0; step < 20'000; ++step) {
    if (!heap.full() && random() % 2 == 0) {
      const int rank = static_cast<int>(random() % 7);
      heap.Push(Job{rank, std::make_unique<int>(number)});
      expected.emplace_back(rank, number++);
      std::sort(expected.begin(), expected.end());
    } else if (!heap.empty()) {
      const Job job = heap.Pop();
      ASSERT_EQ(std::make_pair(job.rank, *job.number), expected.front());
      expected.erase(expected.begin());
    }
  }
}

TEST(HeapTest, DestroysWhatIsLeftInIt) {
  auto counted = std::make_shared<int>(1);
  {
    Heap<std::shared_ptr<int>> heap(3);
    for (int i = 0; i < 3; ++i) heap.Push(std::shared_ptr<int>(counted));
    EXPECT_EQ(heap.Pop(), counted);
    EXPECT_EQ(counted.use_count(), 3);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

TEST(HeapTest, ComparesWithWhatCannotThrowOnly) {
  struct Careless {
    bool operator()(int one, int other) const { return one < other; }
  };

  struct Ranked {
    auto operator<=>(const Ranked&) const = default;
    int rank;
  };

  EXPECT_TRUE((QuickOrder<std::less<>, int>));
  EXPECT_TRUE((QuickOrder<std::less<>, Ranked>));
  EXPECT_TRUE((QuickOrder<ByRank, Job>));
  EXPECT_FALSE((QuickOrder<Careless, int>));
}

}  // namespace
}  // namespace weft::sync
