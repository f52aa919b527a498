// The tour's crowd: many clients at once, and the same questions asked one
// after the other.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_CROWD_H_
#define WEFT_EXAMPLES_TOUR_CROWD_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client.h"
#include "weft/net/address.h"
#include "weft/runtime/task.h"

namespace tour {

struct Timing {
  int answers = 0;  // All of them checked.
  absl::Duration elapsed;
  absl::Duration p50;
  absl::Duration p99;

  double per_second() const { return answers / absl::ToDoubleSeconds(elapsed); }
};

// Every client has a connection of its own, and all of them ask at the same
// time. Shows a progress bar where standard output is a terminal.
//
// Suspends: for the network.
// Cancel:   CANCELLED; the connections are closed.
// Errors:   those of the first client that failed.
// Borrows:  the files that the questions name.
weft::Task<absl::StatusOr<Timing>> AskAllAtOnce(
    weft::net::Address service, const std::vector<Questions>& clients);

// One connection asks what all those clients asked.
//
// Suspends: for the network.
// Cancel:   CANCELLED; the connection is closed.
// Errors:   those of the client.
// Borrows:  the files that the questions name.
weft::Task<absl::StatusOr<Timing>> AskOneByOne(
    weft::net::Address service, const std::vector<Questions>& clients);

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_CROWD_H_
