// A Task owns its coroutine: there is one of each.
//
// Says: deleted (function|copy constructor of) .*Task<
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

weft::Task<int> Outer(const weft::Task<int>& task) { return task; }
