// Tests of the keeper of the frame depot: when it frees, and that of several
// only one does.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/depot_keeper.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "weft/runtime/internal/frame_depot.h"
#include "weft/runtime/internal/frame_pool.h"

namespace weft::internal {
namespace {

constexpr std::chrono::milliseconds kSecond{1000};
constexpr std::chrono::milliseconds kTick{1};
// No coroutine of this program is of this size.
constexpr std::size_t kClass = FrameClassOf(1000);

class DepotKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TrimFrameDepot();
    NoteWhatIsNotNeeded();
    for (std::uint32_t i = 0; i < 2 * kDepotReserve; ++i) {
      void* const memory = ::operator new(FrameSizeOf(kClass));
      GiveToDepot({.first = ::new (memory) FreeFrameLink{nullptr}, .count = 1},
                  kClass);
    }
  }
  void TearDown() override { TrimFrameDepot(); }

  // More than enough ticks to free everything.
  static void TickFor(DepotKeeper& keeper, int ticks) {
    for (int i = 0; i < ticks; ++i) keeper.Tick(kTick);
  }
};

TEST_F(DepotKeeperTest, FreesWhatNobodyNeededForASecond) {
  DepotKeeper keeper;

  keeper.Tick(kSecond);  // A first look: what is there now?
  TickFor(keeper, 100);
  EXPECT_TRUE(keeper.is_needed());
  keeper.Tick(kSecond);
  TickFor(keeper, 100);

  EXPECT_FALSE(keeper.is_needed());
}

TEST_F(DepotKeeperTest, DoesNothingWhileAnotherIsOnDuty) {
  DepotKeeper on_duty;
  DepotKeeper other;
  on_duty.Tick(kTick);

  for (int i = 0; i < 10; ++i) other.Tick(kSecond);

  EXPECT_FALSE(other.is_needed());
  EXPECT_TRUE(DepotIsLarge());
}

TEST_F(DepotKeeperTest, TakesOverWhenTheOtherRetires) {
  DepotKeeper on_duty;
  DepotKeeper other;
  on_duty.Tick(kTick);
  on_duty.Retire();

  EXPECT_TRUE(other.is_needed());
  for (int i = 0; i < 100; ++i) other.Tick(kSecond);

  EXPECT_FALSE(other.is_needed());
}

TEST_F(DepotKeeperTest, TheEndOfARuntimeTrimsWhatNobodyKeeps) {
  {
    DepotKeeper on_duty;
    on_duty.Tick(kTick);

    DepotKeeper::TrimUnlessKept();

    EXPECT_TRUE(DepotIsLarge());
  }

  DepotKeeper::TrimUnlessKept();

  EXPECT_FALSE(DepotIsLarge());
}

}  // namespace
}  // namespace weft::internal
