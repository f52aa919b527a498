// A frame is aligned as operator new aligns it, and no further.
//
// Says: unique_ptr
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

struct alignas(64) Wide {
  float lanes[16];
};

weft::Task<Wide> Compute() { co_return Wide{}; }
