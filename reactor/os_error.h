// How an errno becomes a Status, and the one loop around interrupted calls.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_OS_ERROR_H_
#define WEFT_REACTOR_OS_ERROR_H_

#include <cerrno>
#include <concepts>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace weft::reactor {

// The error of a system call that failed: what was tried, on what, and why it
// did not work. `what` names the call and its operand as the caller gave it.
//
//     ErrnoToStatus(errno, "open(\"/etc/nope\")")
//         NOT_FOUND: open("/etc/nope"): No such file or directory [errno='2']
//
// Where `what` has to be put together first, errno is kept before: that may
// allocate, which may change errno, and arguments are evaluated in any order.
//
// The code is absl::ErrnoToStatusCode's, with these exceptions:
//
//     ETIMEDOUT, ETIME       UNAVAILABLE          DEADLINE_EXCEEDED is for
//                                                 the program's own deadlines
//     ECANCELED              ABORTED              CANCELLED is for waits that
//                                                 were cancelled
//     EPIPE, ESHUTDOWN       UNAVAILABLE          the peer is gone, as with
//                                                 ECONNRESET
//     EADDRNOTAVAIL          FAILED_PRECONDITION  no such address on this
//                                                 machine; nothing "already
//                                                 exists"
//     EALREADY, EINPROGRESS  FAILED_PRECONDITION  it is under way already
//     ENODATA                NOT_FOUND            nothing is exhausted
//     EIO                    DATA_LOSS
//     ELOOP, EXDEV           FAILED_PRECONDITION
//     0                      UNKNOWN              what failed is never OK
//
// Threads: any.
[[nodiscard]] absl::Status ErrnoToStatus(int error, std::string_view what);

// The errno from which `status` was made by ErrnoToStatus, here or further
// down; nothing when it was not. For callers to whom the codes are too coarse:
//
//     if (ErrnoOf(status) == ECONNRESET) ...
[[nodiscard]] std::optional<int> ErrnoOf(const absl::Status& status);

// Makes the call again as long as a signal interrupts it. Not for close, which
// has done its work by then, and not for waits, whose time runs on: see Poller.
//
//     ssize_t got = RetryInterrupted([&] { return system.read(fd, p, n); });
template <std::invocable Call>
auto RetryInterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_OS_ERROR_H_
