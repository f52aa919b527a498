// How a fiber begins.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/fiber.h"

#include <ucontext.h>

namespace weft::explore {
namespace {

// makecontext hands over ints only; the pointers wait here. One OS thread
// starts fibers, one after the other.
void (*starting_main)(void*);
void* starting_argument;

void Begin() { starting_main(starting_argument); }

}  // namespace

void Fiber::Start(void (*main)(void*), void* argument, Place& caller) {
  starting_main = main;
  starting_argument = argument;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = stack_.get();
  context.uc_stack.ss_size = kStackSize;
  context.uc_link = nullptr;
  makecontext(&context, Begin, 0);
  if (_setjmp(caller.registers) == 0) setcontext(&context);
}

}  // namespace weft::explore
