// A system whose own switches nobody has written down yet.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/switches/switches.h"

namespace weft::bench {

void AddSystemSwitches(std::vector<Switch>&) {}

}  // namespace weft::bench
