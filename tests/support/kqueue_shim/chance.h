// The dice of the shim: one seeded sequence, so that a failing run replays as
// far as the order of its threads allows.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CHANCE_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CHANCE_H_

#include <mutex>
#include <random>

#include "weft/tests/support/kqueue_shim/kqueue_shim.h"

namespace weft::kqueue_shim {

// Threads: any.
class Chance {
 public:
  void Set(const Knobs& knobs) {
    std::lock_guard lock(mutex_);
    knobs_ = knobs;
    dice_.seed(knobs.seed);
  }

  Knobs knobs() {
    std::lock_guard lock(mutex_);
    return knobs_;
  }

  bool OneIn(int n) {
    std::lock_guard lock(mutex_);
    return n > 0 && dice_() % static_cast<unsigned>(n) == 0;
  }

  // A generator for one shuffle.
  std::mt19937_64 Fork() {
    std::lock_guard lock(mutex_);
    return std::mt19937_64(dice_());
  }

 private:
  std::mutex mutex_;
  Knobs knobs_;
  std::mt19937_64 dice_{knobs_.seed};
};

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CHANCE_H_
