// A Generator's consumer does not await, so nor can the Generator.
//
// Says: a Generator cannot co_await
// Says: make it an AsyncGenerator
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/generator.h"
#include "weft/runtime/task.h"

weft::Task<int> Inner() { co_return 1; }

weft::Generator<int> Outer() {
  const int item = co_await Inner();
  co_yield item;
}
