// Fiber: a stack of its own that this thread can go to and come back from.
//
// The explorer runs every logical thread of a model on one, so that it decides
// at which instruction the next one goes on. makecontext starts a fiber;
// _setjmp and _longjmp switch, since swapcontext would make a system call for
// the signal mask each time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_FIBER_H_
#define WEFT_TESTS_EXPLORE_FIBER_H_

#include <setjmp.h>

#include <cstddef>
#include <memory>

namespace weft::explore {

// Where a stack stands while another runs. Also of the thread's own stack.
struct Place {
  jmp_buf registers;
};

// Leaves this stack at `from` and goes on at `to`. Returns when somebody
// switches to `from`.
inline void Switch(Place& from, Place& to) {
  if (_setjmp(from.registers) == 0) _longjmp(to.registers, 1);
}

class Fiber {
 public:
  // `main` must never return: its last act is a switch to somewhere else.
  Fiber() : stack_(std::make_unique<char[]>(kStackSize)) {}
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs `main(argument)` on the fiber up to its first switch to `caller`. What
  // was on the stack before is forgotten, and no destructor runs.
  void Start(void (*main)(void*), void* argument, Place& caller);

  Place& place() { return place_; }

 private:
  static constexpr std::size_t kStackSize = 128 * 1024;

  std::unique_ptr<char[]> stack_;
  Place place_;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_FIBER_H_
