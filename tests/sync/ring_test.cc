// Tests of weft::sync::Ring: first in, first out, round and round, and every
// value destroyed once.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/ring.h"

#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;

TEST(RingTest, GivesValuesInTheOrderTheyCame) {
  Ring<int> ring(3);
  std::vector<int> out;

  for (int i : {1, 2, 3}) ring.Push(std::move(i));
  while (!ring.empty()) out.push_back(ring.Pop());

  EXPECT_THAT(out, ElementsAre(1, 2, 3));
}

TEST(RingTest, KeepsTheOrderRoundAndRoundItsEnd) {
  for (int capacity : {1, 2, 3, 7}) {
    Ring<int> ring(capacity);
    int pushed = 0;
    int popped = 0;
    for (int lap = 0; lap < 20; ++lap) {
      // A different number each time, so that every place begins once.
      for (int i = 0; i <= lap % capacity; ++i) ring.Push(pushed++);
      for (int i = 0; i <= lap % capacity; ++i) {
        EXPECT_EQ(ring.Pop(), popped++);
      }
    }
    EXPECT_TRUE(ring.empty());
  }
}

TEST(RingTest, KnowsHowFullItIs) {
  Ring<int> ring(2);
  EXPECT_TRUE(ring.empty());

  ring.Push(1);
  EXPECT_FALSE(ring.empty());
  EXPECT_FALSE(ring.full());
  ring.Push(2);

  EXPECT_TRUE(ring.full());
  EXPECT_EQ(ring.size(), 2u);
}

TEST(RingTest, WithoutAnyPlaceIsEmptyAndFull) {
  Ring<int> ring(0);

  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.full());
}

TEST(RingTest, MovesWhatCannotBeCopied) {
  Ring<std::unique_ptr<int>> ring(1);

  ring.Push(std::make_unique<int>(7));

  EXPECT_EQ(*ring.Pop(), 7);
}

TEST(RingTest, DestroysWhatIsLeftInIt) {
  auto counted = std::make_shared<int>(1);
  {
    Ring<std::shared_ptr<int>> ring(3);
    ring.Push(std::shared_ptr<int>(counted));
    ring.Push(std::shared_ptr<int>(counted));
    // From the second place on, over the end.
    EXPECT_EQ(ring.Pop(), counted);
    ring.Push(std::shared_ptr<int>(counted));
    ring.Push(std::shared_ptr<int>(counted));
    EXPECT_EQ(counted.use_count(), 4);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

// Never made by a ring that holds none.
struct NoDefault {
  explicit NoDefault(int number) : number(number) {}
  int number;
};

TEST(RingTest, HoldsTypesWithoutADefault) {
  Ring<NoDefault> ring(2);

  ring.Push(NoDefault(3));

  EXPECT_EQ(ring.Pop().number, 3);
}

}  // namespace
}  // namespace weft::sync
