// A Task is awaited once, so it is given away: std::move says so.
//
// Says: no member named .await_ready
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/task.h"

weft::Task<int> Inner() { co_return 1; }

weft::Task<int> Outer() {
  weft::Task<int> inner = Inner();
  co_return co_await inner;
}
