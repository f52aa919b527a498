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
//   2. It has succeeded, or says what has failed and why: the error is one that
//      was injected. One that a program must be told of has not been lost, and
//      one that it does not notice, such as an interruption, has not been
//      noticed (documented_errors.h).
//   3. As many descriptors are open as before, and no Source is held.
//   4. What the program itself promises: Session::check.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_
#define WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_

#include <cstdint>
#include <functional>
#include <string_view>
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
  // The calls that it tidies up by, whose errors are in no pair: after another
  // one nothing is left to try.
  std::vector<std::string_view> tidies_by = {};
  // The calls that it has another way for, so that nobody need be told of their
  // errors.
  std::vector<std::string_view> does_without = {};
};

class SingleFaults {
 public:
  explicit SingleFaults(Session session) : session_(std::move(session)) {}

  // Every single fault. A failure of the test for each that is not borne, up to
  // some. Returns how many there were, and notes it down with the test.
  int TryAll();

  // Two faults at a time, `times` times: the first drawn from the catalogue of
  // a clean run, the second from that of a run with the first, so that it may
  // meet whatever a program does about it. The same ones for the same seed.
  // Returns in how many runs both took place. The first pair that is not borne
  // is a failure of the test, and the last.
  std::int64_t TryPairs(std::uint64_t seed, std::int64_t times);

  // Each fault that one of the calls of a run with these faults can meet.
  std::vector<Fault> Catalogue(const std::vector<Fault>& faults = {});

  // One run. OK, or what does not hold.
  absl::Status Try(const std::vector<Fault>& faults);

 private:
  // As Catalogue, of what may be one of a pair.
  std::vector<Fault> CatalogueOfPairs(const std::vector<Fault>& faults);
  absl::Status RunToItsEnd(const std::vector<Fault>& faults,
                           absl::Status& ended);
  bool MustBeTold(const Fault& fault) const;
  absl::Status CheckEnd(const absl::Status& ended,
                        const std::vector<Fault>& faults) const;

  const Session session_;
  FaultingSystem system_;
};

// What most tests want: all the single faults, how many there were, and a
// hundred pairs of them. The rounds of ./dev soak have other pairs each, those
// of the seed that it prints. For more of them:
//
//     WEFT_SOAK=100 build/gcc/tests/net_test --gtest_random_seed=7
//         --gtest_filter='SingleFaults*'
int FaultsBorne(Session session);

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_SINGLE_FAULTS_H_
