// Frames that are made on one thread and freed on another.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_pool.h"

namespace weft::internal {
namespace {

constexpr std::size_t kSize = 1000;

TEST(FramePoolStressTest, FramesFreedElsewhereComeBackAndDoNotPileUp) {
  constexpr int kRounds = 100;
  constexpr int kFrames = 1000;
  ReleaseFrameCache();
  TrimFrameDepot();
  std::set<void*> distinct;

  // One thread, so that its cache lives on; joined by turns.
  std::vector<void*> frames;
  auto free_all = [&frames] {
    for (void* const frame : frames) {
      FreeFrame(frame, kSize);
      EXPECT_LE(Here().frames[FrameClassOf(kSize)].count, 2 * kFrameBatch);
    }
    frames.clear();
  };
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kFrames; ++i) frames.push_back(AllocateFrame(kSize));
    distinct.insert(frames.begin(), frames.end());
    std::thread(free_all).join();
  }

  // All are in the depot when their thread has ended, so the same ones come
  // again; what is missing lies in this thread's cache.
  EXPECT_LE(distinct.size(), kFrames + kFrameBatch);
}

// A plain thread that joins a task and drops its handle frees one block, and
// allocates none.
TEST(FramePoolStressTest, AThreadThatOnlyFreesLeavesItsFramesToOthers) {
  ReleaseFrameCache();
  TrimFrameDepot();
  void* const frame = AllocateFrame(kSize);

  std::thread([frame] { FreeFrame(frame, kSize); }).join();

  void* const again = AllocateFrame(kSize);
  EXPECT_EQ(again, frame);
  FreeFrame(again, kSize);
}

TEST(FramePoolStressTest, ManyThreadsAllocateAndFreeForEachOther) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  std::vector<std::vector<void*>> handed(kThreads);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&handed, i] {
        // What its neighbour left in the round before, then its own.
        for (void* const frame : handed[i]) FreeFrame(frame, kSize);
        handed[i].clear();
        for (int n = 0; n < 150; ++n) {
          handed[i].push_back(AllocateFrame(kSize));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::swap(handed.front(), handed.back());
  }
  std::set<void*> distinct;
  std::size_t count = 0;
  for (std::vector<void*>& frames : handed) {
    distinct.insert(frames.begin(), frames.end());
    count += frames.size();
    for (void* const frame : frames) FreeFrame(frame, kSize);
  }

  EXPECT_EQ(distinct.size(), count);  // Nobody was given another's frame.
}

}  // namespace
}  // namespace weft::internal
