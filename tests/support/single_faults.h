// SingleFaults: runs a program again and again, with one thing going wrong
// each time: every call that it makes into the system fails in each of the ways
// that its man page lists, and moves less than it was asked to by every length.
//
//     clean     open fstat pread pread close          what calls there are
//     run 1     EINTR
//     run 2     EACCES
//     ...             EIO
//     run N                            EIO
//
// What must hold after each of them:
//
//   1. It has ended; nothing it left running waits for ever.
//   2. It has succeeded, or says what has failed and why: the error is the one
//      that was injected. One that a program must be told of has not been lost,
//      and one that it does not notice, such as an interruption, has not been
//      noticed (documented_errors.h).
//   3. As many descriptors are open as before, and no Source is held.
//   4. What the program itself promises: Session::check.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_
#define WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "weft/runtime/task.h"
#include "weft/tests/support/faulting_system.h"

namespace weft::tests {

// A program to run again and again.
struct Session {
  // Makes it, with all that it works on made anew.
  std::function<Task<absl::Status>()> start;
  // OK, or what does not hold when it has ended like this.
  std::function<absl::Status(const absl::Status& ended)> check;
};

class SingleFaults {
 public:
  explicit SingleFaults(Session session) : session_(std::move(session)) {}

  // Every single fault. A failure of the test for each that is not borne, up to
  // some. Returns how many there were, and notes it down with the test.
  int TryAll();

  // Two faults at a time, drawn from all there are, `times` times; the same
  // ones for the same seed.
  void TryPairs(std::uint64_t seed, std::int64_t times);

  // Each fault that one of the calls of a clean run can meet.
  std::vector<Fault> Catalogue();

  // One run. OK, or what does not hold.
  absl::Status Try(const std::vector<Fault>& faults);

 private:
  absl::Status RunToItsEnd(const std::vector<Fault>& faults,
                           absl::Status& ended);
  absl::Status CheckEnd(const absl::Status& ended,
                        const std::vector<Fault>& faults) const;

  const Session session_;
  FaultingSystem system_;
};

// What most tests want: all the single faults, how many there were, and a
// hundred pairs of them. For other pairs, and more:
//
//     WEFT_SOAK=1000 build/gcc/tests/net_test --gtest_random_seed=7
//         --gtest_filter='SingleFaults*'
int FaultsBorne(Session session);

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_
