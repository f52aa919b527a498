// How what OpenSSL complains about becomes a Status.
//
// OpenSSL puts its errors into a queue that each thread has one of, and a call
// that fails may leave several, the cause first. A queue that is not emptied
// makes the next failure of that thread look like this one. So: it is cleared
// before a call whose failure is to be explained, and taken after it, and no
// task suspends in between.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_ERROR_H_
#define WEFT_NET_TLS_TLS_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace weft::net::tls {

// Empties the queue. Nearly always it is empty, and then this is a look, where
// OpenSSL's ERR_clear_error goes through all its sixteen places.
//
// Threads: that of the call to come.
void ClearErrors() noexcept;

// What failed, and every error of the queue, which is empty afterwards.
//
//     TakeErrors(absl::StatusCode::kUnavailable, "TLS handshake")
//         UNAVAILABLE: TLS handshake: wrong version number
//
// Threads: that of the call which failed.
[[nodiscard]] absl::Status TakeErrors(absl::StatusCode code,
                                      std::string_view what);

// Whether the oldest error of the queue is the peer's word, an alert, and not
// something that was found here.
bool PeerSentAlert() noexcept;

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_ERROR_H_
