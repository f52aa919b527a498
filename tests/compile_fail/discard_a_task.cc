// A Task that nobody awaits does nothing, and the compiler says so.
//
// Says: a Task does nothing until it is awaited or spawned
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

weft::Task<int> Inner() { co_return 1; }

void Outer() { Inner(); }
