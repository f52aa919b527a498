// A client of the tour's service, which knows the answers already.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_CLIENT_H_
#define WEFT_EXAMPLES_TOUR_CLIENT_H_

#include <atomic>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collection.h"
#include "weft/net/address.h"
#include "weft/runtime/task.h"

namespace tour {

// The questions of one client: files, in the order it asks for them.
using Questions = std::vector<const CountedFile*>;

// Connects, asks its questions one after the other, checks every answer, and
// gives how long each took. `answered` counts along, for a progress bar.
//
// Suspends: for the network.
// Cancel:   CANCELLED; the connection is closed.
// Errors:   INTERNAL for a wrong answer; those of the connection.
// Borrows:  the files, and `answered`.
weft::Task<absl::StatusOr<std::vector<absl::Duration>>> Ask(
    weft::net::Address service, Questions questions,
    std::atomic<int>& answered);

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_CLIENT_H_
