// The spin lock under every schedule: one holder at a time, who sees what the
// last one wrote.
//
// SPDX-License-Identifier: MIT

#include <mutex>

#include "gtest/gtest.h"
#include "weft/reactor/spin_lock.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {
namespace {

struct ThreeHolders : Model {
  int threads() const override { return 3; }
  void Run(int) override {
    const std::lock_guard guard(lock);
    count.Set(count.Get() + 1);
  }
  void Finally() override { Check(count.Get() == 3, "one was lost"); }

  reactor::SpinLock lock;
  Plain<int> count;
};

TEST(SpinLockModelTest, LetsInOneAtATime) { ExpectHolds<ThreeHolders>(); }

TEST(SpinLockModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<ThreeHolders>({"reactor/spin_lock.h"});
}

}  // namespace
}  // namespace weft::explore
