// Blocking and going on.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/blocking.h"

namespace weft::explore {

void Bell::Ring() {
  Point();
  Note("rings", this);
  rings_ = true;
  Unblock(this);
}

void Bell::Wait() {
  Point();
  while (!rings_) Block(this, "waits for the bell");
  Note("hears", this);
}

bool Bell::rings() {
  Point();
  return rings_;
}

void Bell::Silence() {
  Point();
  Note("silences", this);
  rings_ = false;
}

void HandOver::Give() {
  if (CurrentThread() < 0) {
    given_ = true;
    return;
  }
  Point();
  Check(!given_, "is given twice");
  Note("gives", this);
  Clock& clock = CurrentClock();
  clock.Tick(CurrentThread());
  clock_.Join(clock);
  given_ = true;
  Unblock(this);
}

void HandOver::Take() {
  Point();
  while (!given_) Block(this, "waits to be handed something");
  Note("takes", this);
  given_ = false;
  CurrentClock().Join(clock_);
}

void Mutex::lock() {
  if (CurrentThread() < 0) return;
  Point();
  if (execution_ != ExecutionNumber()) {
    execution_ = ExecutionNumber();
    held_ = false;
    clock_ = Clock();
  }
  while (held_) Block(this, "waits for a mutex");
  Note("locks", this);
  held_ = true;
  CurrentClock().Join(clock_);
}

void Mutex::unlock() {
  if (CurrentThread() < 0) return;
  Point();
  Note("unlocks", this);
  Clock& clock = CurrentClock();
  clock.Tick(CurrentThread());
  clock_ = clock;
  held_ = false;
  Unblock(this);
}

bool GiveWay() {
  SpinUntilChange(ChangesByOthers());
  return true;
}

}  // namespace weft::explore
