// Tests of LifoSlot under thieves: each job is taken exactly once, and whoever
// takes it sees what its owner wrote.
//
// SPDX-License-Identifier: MIT

#include "gtest/gtest.h"
#include "weft/runtime/internal/job.h"
#include "weft/runtime/internal/lifo_slot.h"
#include "weft/tests/support/contended_queue.h"

namespace weft::internal {
namespace {

// As a queue: it is full with one, and who is displaced was not pushed.
class SlotAsQueue {
 public:
  explicit SlotAsQueue(const StealBarrier& barrier)
      : slot_(Sharing::kShared, barrier) {}

  bool Push(Job& job) { return slot_.empty() && slot_.Put(job) == nullptr; }
  Job* Pop() { return slot_.Take(); }
  Job* Steal() { return slot_.Steal(); }
  bool empty() const { return slot_.empty(); }

 private:
  LifoSlot slot_;
};

TEST(LifoSlotStressTest, GivesEachJobToOneOfThoseWhoWantIt) {
  for (const StealBarrier& barrier : tests::EveryStealBarrier()) {
    SlotAsQueue slot(barrier);

    tests::ExpectEachJobGoesToOne(slot, tests::OwnerTakes::kNewest,
                                  {.count = 200'000, .largest_burst = 2},
                                  [](SlotAsQueue& queue, tests::Taker& thief) {
                                    if (Job* const job = queue.Steal())
                                      thief.Take(*job);
                                  });
  }
}

}  // namespace
}  // namespace weft::internal
