// Tests of the frame depot on one thread: what comes back, and what is given
// back to the system.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/frame_depot.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "weft/runtime/internal/frame_pool.h"

namespace weft::internal {
namespace {

// No coroutine of this program is of this size.
constexpr std::size_t kSize = 1000;
constexpr std::size_t kClass = FrameClassOf(kSize);
constexpr std::uint32_t kReserve = kDepotReserve;

// Every batch by itself; what they are made of comes from operator new.
void Give(std::uint32_t batches) {
  for (std::uint32_t i = 0; i < batches; ++i) {
    void* const memory = ::operator new(FrameSizeOf(kClass));
    GiveToDepot({.first = ::new (memory) FreeFrameLink{nullptr}, .count = 1},
                kClass);
  }
}

// False when the depot is empty.
bool TakeOne() {
  const FrameBatch batch = TakeFromDepot(kClass);
  if (batch.first == nullptr) return false;
  ::operator delete(batch.first);
  return true;
}

std::uint32_t CountByTakingAll() {
  std::uint32_t count = 0;
  while (TakeOne()) ++count;
  return count;
}

std::uint32_t FreeInSteps() {
  std::uint32_t steps = 0;
  while (FreeWhatIsNotNeeded()) ++steps;
  return steps;
}

class FrameDepotTest : public ::testing::Test {
 protected:
  void SetUp() override { Forget(); }
  void TearDown() override { Forget(); }

  static void Forget() {
    ReleaseFrameCache();
    TrimFrameDepot();
    NoteWhatIsNotNeeded();  // An interval begins.
  }
};

TEST_F(FrameDepotTest, GivesBackTheBatchThatItGotLast) {
  void* const memory = ::operator new(2 * FrameSizeOf(kClass));
  auto* const frame = ::new (memory) FreeFrameLink{nullptr};
  GiveToDepot({.first = frame, .count = 7}, kClass);

  const FrameBatch batch = TakeFromDepot(kClass);

  EXPECT_EQ(batch.first, frame);
  EXPECT_EQ(batch.count, 7u);
  EXPECT_EQ(TakeFromDepot(kClass).first, nullptr);
  ::operator delete(memory);
}

TEST_F(FrameDepotTest, KeepsWhatWasGivenSinceTheLastInterval) {
  Give(2 * kReserve);
  EXPECT_TRUE(DepotIsLarge());

  EXPECT_FALSE(NoteWhatIsNotNeeded());

  EXPECT_EQ(FreeInSteps(), 0u);
  EXPECT_EQ(CountByTakingAll(), 2 * kReserve);
}

TEST_F(FrameDepotTest, FreesALittleAtATimeWhatNobodyTookForAnInterval) {
  Give(2 * kReserve);
  NoteWhatIsNotNeeded();

  EXPECT_TRUE(NoteWhatIsNotNeeded());

  EXPECT_GT(FreeInSteps(), 1u);
  EXPECT_FALSE(DepotIsLarge());
  EXPECT_EQ(CountByTakingAll(), kReserve);
}

TEST_F(FrameDepotTest, KeepsWhatWasTakenAndGivenAgainWithinTheInterval) {
  Give(2 * kReserve);
  NoteWhatIsNotNeeded();
  for (std::uint32_t i = 0; i < kReserve; ++i) ASSERT_TRUE(TakeOne());
  Give(kReserve);

  EXPECT_FALSE(NoteWhatIsNotNeeded());

  EXPECT_EQ(CountByTakingAll(), 2 * kReserve);
}

TEST_F(FrameDepotTest, FreesNothingThatWasTakenBeforeItsTurnCame) {
  Give(2 * kReserve);
  NoteWhatIsNotNeeded();
  ASSERT_TRUE(NoteWhatIsNotNeeded());

  for (std::uint32_t i = 0; i < kReserve + 1; ++i) ASSERT_TRUE(TakeOne());

  EXPECT_EQ(FreeInSteps(), 0u);
  EXPECT_EQ(CountByTakingAll(), kReserve - 1);
}

TEST_F(FrameDepotTest, IsTrimmedToWhatIsAskedFor) {
  Give(10);

  TrimFrameDepot(7);

  EXPECT_EQ(CountByTakingAll(), 7u);
}

}  // namespace
}  // namespace weft::internal
