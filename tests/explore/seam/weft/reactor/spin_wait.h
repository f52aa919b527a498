// SpinWait as the explorer has it: who spins is not run before another thread
// has changed something.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_SPIN_WAIT_H_
#define WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_SPIN_WAIT_H_

#include <cstdint>

#include "weft/tests/explore/explorer.h"

namespace weft::reactor {

class SpinWait {
 public:
  void Once() noexcept {
    explore::SpinUntilChange(seen_);
    seen_ = explore::ChangesByOthers();
  }
  static void Pause() noexcept {}

 private:
  std::uint64_t seen_ = explore::ChangesByOthers();
};

}  // namespace weft::reactor

#endif  // WEFT_TESTS_EXPLORE_SEAM_WEFT_REACTOR_SPIN_WAIT_H_
