// Races by vector clocks: an access is at the time of its thread's next atomic
// operation, the first that could publish it.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/plain.h"

namespace weft::explore {

void Accesses::Read() {
  const int thread = CurrentThread();
  if (thread < 0) return;
  const Clock& clock = CurrentClock();
  if (writer_ >= 0 && writer_ != thread && written_ > clock[writer_]) {
    Fail("a data race: read what another thread writes");
  }
  read_[thread] = clock[thread] + 1;
}

void Accesses::Write() {
  const int thread = CurrentThread();
  if (thread < 0) return;
  const Clock& clock = CurrentClock();
  if (writer_ >= 0 && writer_ != thread && written_ > clock[writer_]) {
    Fail("a data race: written by two threads");
  }
  for (int i = 0; i < kMaxThreads; ++i) {
    if (i != thread && read_[i] > clock[i]) {
      Fail("a data race: written while another thread reads");
    }
  }
  writer_ = thread;
  written_ = clock[thread] + 1;
}

}  // namespace weft::explore
