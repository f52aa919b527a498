// Tests of weft::sync::Stack: last in, first out, and every value destroyed
// once.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/stack.h"

#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;

TEST(StackTest, GivesTheNewestValueFirst) {
  Stack<int> stack(3);
  std::vector<int> out;

  stack.Push(1);
  stack.Push(2);
  out.push_back(stack.Pop());
  stack.Push(3);
  while (!stack.empty()) out.push_back(stack.Pop());

  EXPECT_THAT(out, ElementsAre(2, 3, 1));
}

TEST(StackTest, KnowsHowFullItIs) {
  Stack<int> stack(2);
  EXPECT_TRUE(stack.empty());

  stack.Push(1);
  EXPECT_FALSE(stack.full());
  stack.Push(2);

  EXPECT_TRUE(stack.full());
  EXPECT_EQ(stack.size(), 2u);
}

TEST(StackTest, DestroysWhatIsLeftInIt) {
  auto counted = std::make_shared<int>(1);
  {
    Stack<std::shared_ptr<int>> stack(3);
    stack.Push(std::shared_ptr<int>(counted));
    stack.Push(std::shared_ptr<int>(counted));
    EXPECT_EQ(stack.Pop(), counted);
    EXPECT_EQ(counted.use_count(), 2);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace weft::sync
