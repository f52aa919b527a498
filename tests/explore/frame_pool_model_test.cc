// The frame pool under every schedule: a frame has one owner, and goes from one
// to the next in order.
//
// A batch is one frame here (planted_bugs.py), so that every third frame that
// is freed goes through the depot.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <map>

#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_pool.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {
namespace {

using weft::internal::AllocateFrame;
using weft::internal::FreeFrame;
using weft::internal::this_thread;
using weft::internal::ThisThread;

// Each thread has its own cache.
std::array<ThisThread, kMaxThreads + 1> owned;

void SwapAll(int leaving, int coming) {
  const auto place = [](int thread) {
    return static_cast<std::size_t>(thread < 0 ? kMaxThreads : thread);
  };
  if (leaving < 0) owned.fill(ThisThread());
  owned[place(leaving)] = this_thread;
  this_thread = owned[place(coming)];
}

constexpr std::size_t kSize = 40;

struct FrameModel : Model {
  FrameModel() {
    OnSwitch(SwapAll);
    weft::internal::TrimFrameDepot();
  }
  int threads() const override { return 3; }
  // What is freed by one is allocated by the next.
  void Run(int) override {
    std::array<void*, 3> frames;
    for (void*& frame : frames) frame = Allocate();
    for (void* const frame : frames) Free(frame);
    void* const again = Allocate();
    Free(again);
    weft::internal::ReleaseFrameCache();
  }
  void Finally() override { weft::internal::TrimFrameDepot(); }

  void* Allocate() {
    void* const frame = AllocateFrame(kSize);
    Frame& known = known_[frame];
    Check(!std::exchange(known.owned, true), "a frame has one owner");
    known.content.Set(1);
    return frame;
  }
  void Free(void* frame) {
    Frame& known = known_[frame];
    known.content.Set(2);
    known.owned = false;
    FreeFrame(frame, kSize);
  }

  struct Frame {
    bool owned = false;
    Plain<int> content;
  };
  std::map<void*, Frame> known_;
};

TEST(FramePoolModelTest, HandsFramesOnInOrder) { ExpectHolds<FrameModel>(); }

TEST(FramePoolModelTest, FindsADepotWithoutItsLock) {
  ExpectFound<FrameModel>(Bug::kTheDepotHasNoLock);
}

}  // namespace
}  // namespace weft::explore
