// What the models of the runtime stand on: each logical thread has a ThisThread
// of its own, and time goes by leaps.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_
#define WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_

#include <time.h>

#include "weft/reactor/system.h"
#include "weft/tests/explore/explorer.h"

namespace weft::explore {

class RuntimeModel : public Model {
 public:
  RuntimeModel();
};

// Every look at the clock is a tenth of a second after the one before: nobody
// who spins for a while does so twice.
class LeapingClock final : public reactor::System {
 public:
  int clock_gettime(clockid_t clock, timespec* now) override;

 private:
  long looks_ = 0;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_RUNTIME_MODEL_H_
