// The tour's service: it counts words in files, for whoever asks by TCP.
//
//     client   count docs/architecture.md
//     service  1234
//     client   count nope.txt
//     service  error NOT_FOUND: open("/srv/nope.txt"): No such file or ...
//
// A line each way; any number of them, on any number of connections. A client
// that goes away, or sends nonsense, disturbs nobody else.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_SERVICE_H_
#define WEFT_EXAMPLES_TOUR_SERVICE_H_

#include <string>

#include "absl/status/status.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/task.h"

namespace tour {

// Serves the files below `directory` until it is cancelled. Symbolic links are
// followed, also to elsewhere.
//
// Suspends: for ever.
// Cancel:   CANCELLED; every connection is closed.
// Borrows:  `listener`.
weft::Task<absl::Status> Serve(weft::net::TcpListener& listener,
                               std::string directory);

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_SERVICE_H_
