// Tests of weft::sync::ValueNodes: what is held stays, what is not is used
// again, and every value dies once.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/value_nodes.h"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/tests/support/mourned.h"

namespace weft::sync {
namespace {

using ::weft::tests::Census;
using ::weft::tests::Counted;

class ValueNodesTest : public ::testing::Test {
 protected:
  using Nodes = ValueNodes<Counted>;
  using Node = Nodes::Node;

  // Whether it was done without a node of ours, or with it.
  bool Replace(int number, Nodes::NodePointer& spare) {
    Counted value(census_, number);
    std::optional<Counted> old;
    std::lock_guard guard(lock_);
    return nodes_.ReplaceLocked(place_, value, old, spare);
  }
  bool Replace(int number) {
    Nodes::NodePointer none;
    return Replace(number, none);
  }
  Nodes::Held Hold() {
    std::lock_guard guard(lock_);
    return nodes_.HoldLocked(*place_);
  }

  Census census_;
  SpinLock lock_;
  Nodes nodes_{lock_};
  Nodes::NodePointer place_ = std::make_unique<Node>();
};

TEST_F(ValueNodesTest, UsesANodeAgainThatNobodyHolds) {
  const Node* const first = place_.get();

  EXPECT_TRUE(Replace(1));
  EXPECT_TRUE(Replace(2));

  EXPECT_EQ(place_.get(), first);
  EXPECT_EQ(Hold().value().number(), 2);
  EXPECT_EQ(census_.alive(), 1);
}

TEST_F(ValueNodesTest, ChangesNothingWhereItNeedsANodeAndThereIsNone) {
  EXPECT_TRUE(Replace(1));
  const Nodes::Held held = Hold();

  EXPECT_FALSE(Replace(2));

  EXPECT_EQ(Hold().value().number(), 1);
}

TEST_F(ValueNodesTest, LeavesWhatIsHeldToItsHoldersWhoBringTheNodeBack) {
  EXPECT_TRUE(Replace(1));
  auto spare = std::make_unique<Node>();
  {
    const Nodes::Held one = Hold();
    const Nodes::Held other = Hold();
    EXPECT_TRUE(Replace(2, spare));
    EXPECT_EQ(spare, nullptr);
    EXPECT_EQ(one.value().number(), 1);
    EXPECT_EQ(Hold().value().number(), 2);
  }
  EXPECT_EQ(census_.alive(), 1) << "the old value died with its last holder";

  const Nodes::Held held = Hold();

  EXPECT_TRUE(Replace(3)) << "the node that came back takes its place";
  EXPECT_EQ(held.value().number(), 2);
}

TEST_F(ValueNodesTest, KeepsASpareOfItsOwnBeforeItTakesOne) {
  EXPECT_TRUE(Replace(1));
  auto spare = std::make_unique<Node>();
  {
    const Nodes::Held held = Hold();
    EXPECT_TRUE(Replace(2, spare));
  }
  spare = std::make_unique<Node>();
  const Nodes::Held held = Hold();

  EXPECT_TRUE(Replace(3, spare));

  EXPECT_NE(spare, nullptr);
}

}  // namespace
}  // namespace weft::sync
