// Spawn wants a function that makes a Task; what a plain one does is over
// before there is anything to spawn.
//
// Says: MakesTask
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/spawn.h"

void Outer() {
  weft::Spawn([] { return 1; }).Detach();
}
