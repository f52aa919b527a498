// SpinWait: waiting for another thread that is about to finish something small.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SPIN_WAIT_H_
#define WEFT_REACTOR_SPIN_WAIT_H_

#include <thread>

namespace weft::reactor {

class SpinWait {
 public:
  // One round: a pause at first; later the processor goes to somebody else, who
  // may be the one we wait for.
  void Once() noexcept {
    if (++rounds_ < kPauses) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }

  // Tells the processor that this is a spin loop.
  static void Pause() noexcept {
// The instruction has a name for each processor; remove when C++ has one.
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

 private:
  static constexpr int kPauses = 128;
  int rounds_ = 0;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SPIN_WAIT_H_
