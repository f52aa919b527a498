// CountingOpens: a system that counts what is opened by its path.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_COUNTING_OPENS_H_
#define WEFT_TESTS_FS_COUNTING_OPENS_H_

#include <sys/types.h>

#include "weft/runtime/testing/simulated_system.h"

namespace weft::fs {

class CountingOpens : public weft::testing::SimulatedSystem {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    ++opened;
    return SimulatedSystem::open(path, flags, mode);
  }

  int opened = 0;
};

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_COUNTING_OPENS_H_
