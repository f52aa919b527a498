// Tests of the frame pool on one thread: classes, recycling, and how much is
// kept. Frames that are freed on another thread are in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/frame_pool.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/current.h"

// Null where the address sanitizer is not linked in.
extern "C" [[gnu::weak]] int __asan_address_is_poisoned(const volatile void*);

namespace weft::internal {
namespace {

// A size whose class no coroutine of this file's uses, so that counts are ours.
constexpr std::size_t kSize = 1000;
constexpr std::size_t kClass = FrameClassOf(kSize);

std::uint32_t Cached() { return Here().frames[kClass].count; }

class FramePoolTest : public ::testing::Test {
 protected:
  // Each test begins with nothing cached and an empty depot.
  void SetUp() override {
    FreeFrame(AllocateFrame(kSize), kSize);
    Forget();
  }
  void TearDown() override { Forget(); }

  static void Forget() {
    ReleaseFrameCache();
    TrimFrameDepot();
  }
  static std::vector<void*> Allocate(int count) {
    std::vector<void*> frames;
    for (int i = 0; i < count; ++i) frames.push_back(AllocateFrame(kSize));
    return frames;
  }
  static void Free(const std::vector<void*>& frames) {
    for (void* const frame : frames) FreeFrame(frame, kSize);
  }
};

TEST_F(FramePoolTest, AClassHoldsEverySizeUpToItsOwn) {
  for (std::size_t size = 1; size <= kLargestFrame; ++size) {
    const std::size_t frame_class = FrameClassOf(size);
    ASSERT_LT(frame_class, kFrameClasses);
    ASSERT_GE(FrameSizeOf(frame_class), size);
    // And no smaller one would do.
    if (frame_class > 0) {
      ASSERT_LT(FrameSizeOf(frame_class - 1), size);
    }
  }
  EXPECT_EQ(FrameClassOf(1), 0u);
  EXPECT_EQ(FrameClassOf(24), 0u);
  EXPECT_EQ(FrameClassOf(25), 1u);
  EXPECT_EQ(FrameClassOf(kLargestFrame), kFrameClasses - 1);
}

// A sanitizer sees, too, whether they are within what was allocated.
TEST_F(FramePoolTest, EveryByteOfAFrameIsTheCallers) {
  for (std::size_t size = 1; size <= 2 * kLargestFrame; size += 7) {
    void* const one = AllocateFrame(size);
    void* const other = AllocateFrame(size);
    std::memset(one, 0xab, size);
    std::memset(other, 0xcd, size);
    EXPECT_EQ(std::string_view(static_cast<char*>(one), size),
              std::string(size, '\xab'));
    FreeFrame(one, size);
    void* const recycled = AllocateFrame(size);
    std::memset(recycled, 0xef, size);
    EXPECT_EQ(std::string_view(static_cast<char*>(other), size),
              std::string(size, '\xcd'));
    FreeFrame(recycled, size);
    FreeFrame(other, size);
  }
}

TEST_F(FramePoolTest, FramesAreAlignedAsThoseOfOperatorNew) {
  for (std::size_t size = 8; size <= kLargestFrame; size += kFrameStep) {
    void* const frame = AllocateFrame(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame) %
                  __STDCPP_DEFAULT_NEW_ALIGNMENT__,
              0u);
    FreeFrame(frame, size);
  }
}

TEST_F(FramePoolTest, TheFrameFreedLastIsHandedOutFirst) {
  const std::vector<void*> frames = Allocate(2);
  Free(frames);

  void* const first = AllocateFrame(kSize);
  void* const second = AllocateFrame(kSize);

  EXPECT_EQ(first, frames[1]);
  EXPECT_EQ(second, frames[0]);
  Free({first, second});
}

TEST_F(FramePoolTest, SizesOfOneClassShareTheirFrames) {
  void* const frame = AllocateFrame(kSize);
  FreeFrame(frame, kSize);

  void* const other_size = AllocateFrame(kSize - 1);

  EXPECT_EQ(other_size, frame);
  FreeFrame(other_size, kSize - 1);
}

TEST_F(FramePoolTest, AThreadKeepsAtMostTwoBatchesOfAClass) {
  const std::vector<void*> frames = Allocate(10 * kFrameBatch);
  EXPECT_EQ(Cached(), 0u);

  for (void* const frame : frames) {
    FreeFrame(frame, kSize);
    EXPECT_LE(Cached(), 2 * kFrameBatch);
  }

  EXPECT_GT(Cached(), 0u);
}

TEST_F(FramePoolTest, WhatAThreadGaveAwayComesBackInBatches) {
  constexpr int kFrames = 10 * kFrameBatch;
  const std::vector<void*> freed = Allocate(kFrames);
  const std::set<void*> known(freed.begin(), freed.end());
  Free(freed);

  const std::vector<void*> again = Allocate(kFrames);

  // Every one of them is a recycled one, and none is handed out twice.
  const std::set<void*> seen(again.begin(), again.end());
  EXPECT_EQ(seen, known);
  Free(again);
}

TEST_F(FramePoolTest, AnEmptyCacheTakesOneBatchFromTheDepot) {
  Free(Allocate(2 * kFrameBatch + 1));
  ReleaseFrameCache();
  ASSERT_EQ(Cached(), 0u);

  void* const frame = AllocateFrame(kSize);

  EXPECT_EQ(Cached(), kFrameBatch - 1);
  FreeFrame(frame, kSize);
}

TEST_F(FramePoolTest, ReleasingACacheLeavesNothingInIt) {
  for (std::size_t size = 8; size <= kLargestFrame; size += kFrameStep) {
    FreeFrame(AllocateFrame(size), size);
  }

  ReleaseFrameCache();

  for (const FrameShelf& shelf : Here().frames) {
    EXPECT_EQ(shelf.count, 0u);
    EXPECT_EQ(shelf.first, nullptr);
  }
}

TEST_F(FramePoolTest, LargeFramesAreNotKept) {
  FreeFrame(AllocateFrame(kLargestFrame + 1), kLargestFrame + 1);
  FreeFrame(AllocateFrame(1 << 20), 1 << 20);

  for (const FrameShelf& shelf : Here().frames) EXPECT_EQ(shelf.count, 0u);
}

TEST_F(FramePoolTest, UnderTheAddressSanitizerAFreeFrameIsPoisoned) {
  if (__asan_address_is_poisoned == nullptr) {
    GTEST_SKIP() << "not built with the address sanitizer";
  }
  char* const frame = static_cast<char*>(AllocateFrame(kSize));
  EXPECT_FALSE(__asan_address_is_poisoned(frame + sizeof(void*)));

  FreeFrame(frame, kSize);

  EXPECT_TRUE(__asan_address_is_poisoned(frame + sizeof(void*)));
  EXPECT_TRUE(__asan_address_is_poisoned(frame + kSize - 1));
  void* const again = AllocateFrame(kSize);
  EXPECT_FALSE(__asan_address_is_poisoned(frame + kSize - 1));
  FreeFrame(again, kSize);
}

}  // namespace
}  // namespace weft::internal
