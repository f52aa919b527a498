// What the models of the runtime stand on: each logical thread has a ThisThread
// of its own, and time goes by leaps.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_
#define WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_

#include <time.h>

#include "weft/reactor/system.h"
#include "weft/runtime/internal/steal_barrier.h"
#include "weft/tests/explore/explorer.h"

namespace weft::explore {

class RuntimeModel : public Model {
 public:
  RuntimeModel();
};

// The system of the models: its barrier is the explorer's.
class ModelledSystem : public reactor::System {
 public:
  int membarrier_register() override { return 0; }
  int membarrier() override {
    BarrierOnAllThreads();
    return 0;
  }
};

// Who pays for the order between the owner of a queue and its thieves.
enum class Payer { kBoth, kThieves };
inline internal::StealBarrier BarrierPaidBy(Payer payer,
                                            ModelledSystem& system) {
  return payer == Payer::kBoth ? internal::StealBarrier()
                               : internal::StealBarrier::PaidByThieves(system);
}

// Every look at the clock is a tenth of a second after the one before: nobody
// who spins for a while does so twice.
class LeapingClock final : public ModelledSystem {
 public:
  int clock_gettime(clockid_t clock, timespec* now) override;

 private:
  long looks_ = 0;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_
