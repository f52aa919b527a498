// The gate of a queue under every schedule: its owner and its thieves are never
// inside together, and each sees what was done there before. And the slot that
// it guards most closely.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <string>

#include "gtest/gtest.h"
#include "weft/runtime/internal/lifo_slot.h"
#include "weft/runtime/internal/steal_gate.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/jobs.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {
namespace {

using weft::internal::Job;
using weft::internal::LifoSlot;
using weft::internal::Sharing;
using weft::internal::StealGate;

// Thread 0 is the owner, who comes twice; the others are thieves.
template <Payer kPayer, int kThieves>
struct GateModel : Model {
  int threads() const override { return 1 + kThieves; }
  void Run(int thread) override {
    if (thread > 0) {
      if (!gate.EnterAsThief()) return;
      Count();
      gate.LeaveAsThief();
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (!gate.Enter()) continue;
      Count();
      gate.Leave();
    }
  }
  void Finally() override {
    Check(visits.Get() == visitors, "no visit is lost");
    Check(gate.EnterAsThief(), "nobody has stayed inside");
    gate.LeaveAsThief();
    Check(gate.Enter(), "nor a thief");
  }

  void Count() {
    visits.Set(visits.Get() + 1);
    ++visitors;
  }

  ModelledSystem system;
  StealGate gate{BarrierPaidBy(kPayer, system)};
  Plain<int> visits;
  int visitors = 0;
};

// What was woken last, a thief that wants it, and what is woken next.
template <Payer kPayer>
struct SlotModel : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread > 0) {
      TakeIfAny(slot.Steal());
      return TakeIfAny(slot.Steal());
    }
    Put(0);
    Put(1);
    TakeIfAny(slot.Take());
    Put(2);
  }
  void Finally() override {
    TakeIfAny(slot.Take());
    CheckAllTaken(jobs);
  }

  void Put(int index) {
    jobs[index].Prepare();
    TakeIfAny(slot.Put(jobs[index]));
  }

  ModelledSystem system;
  LifoSlot slot{Sharing::kShared, BarrierPaidBy(kPayer, system)};
  std::array<CountedJob, 3> jobs;
};

TEST(StealGateModelTest, LetsOneInAtATime) {
  ExpectHolds<GateModel<Payer::kBoth, 1>>();
  ExpectHolds<GateModel<Payer::kThieves, 1>>();
}

TEST(StealGateModelTest, LetsOneOfSeveralThievesIn) {
  ExpectHolds<GateModel<Payer::kBoth, 2>>();
  ExpectHolds<GateModel<Payer::kThieves, 2>>();
}

TEST(StealGateModelTest, FindsAThiefThatDoesNotPay) {
  ExpectFound<GateModel<Payer::kThieves, 1>>(Bug::kAThiefDoesNotPay);
}

TEST(StealGateModelTest, FindsAThiefThatDoesNotLookForTheOwner) {
  ExpectFound<GateModel<Payer::kBoth, 1>>(Bug::kAThiefDoesNotLookForTheOwner);
}

TEST(StealGateModelTest, FindsAnOwnerThatStaysInside) {
  ExpectFound<GateModel<Payer::kBoth, 1>>(
      Bug::kAnOwnerThatMeetsAThiefStaysInside);
}

TEST(StealGateModelTest, NeedsEveryOrder) {
  const std::string barrier = "runtime/internal/steal_barrier.h";
  ExpectEveryOrderIsNeeded<
      GateModel<Payer::kBoth, 1>, GateModel<Payer::kThieves, 1>,
      GateModel<Payer::kBoth, 2>, GateModel<Payer::kThieves, 2>>(
      {"runtime/internal/steal_gate.h", barrier},
      {{barrier + " OwnerStoresAndLoads: store release -> relaxed",
        "the fork deque needs it, and its model shows it"}});
}

TEST(LifoSlotModelTest, GivesEachJobToOne) {
  ExpectHolds<SlotModel<Payer::kBoth>>();
  ExpectHolds<SlotModel<Payer::kThieves>>();
}

TEST(LifoSlotModelTest, FindsAThiefThatDoesNotPay) {
  ExpectFound<SlotModel<Payer::kThieves>>(Bug::kAThiefDoesNotPay);
}

}  // namespace
}  // namespace weft::explore
