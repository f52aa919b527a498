// What blocks a logical thread of a model: a bell and a lock.
//
// Neither is under test; they stand for the system's, and order what they
// order.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_BLOCKING_H_
#define WEFT_TESTS_EXPLORE_BLOCKING_H_

#include <cstdint>

#include "weft/tests/explore/explorer.h"

namespace weft::explore {

// An eventfd: rung until it is silenced. It passes nothing on but its ringing:
// whoever needs an order has an atomic for it, and that one is under test.
class Bell {
 public:
  void Ring();
  // Blocks until it rings.
  void Wait();
  bool rings();
  void Silence();

 private:
  bool rings_ = false;
};

// A queue that brings a thread what another prepared: release and acquire.
class HandOver {
 public:
  void Give();
  // Blocks until it was given, and takes it.
  void Take();

 private:
  bool given_ = false;
  Clock clock_;
};

// std::mutex; works with std::lock_guard, hence the names.
class Mutex {
 public:
  void lock();
  void unlock();

 private:
  // One that lives longer than an execution forgets it.
  std::uint32_t execution_ = 0;
  bool held_ = false;
  Clock clock_;
};

// For who would come back at once: not before another has changed something.
// Always true.
bool GiveWay();

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_BLOCKING_H_
