// DuplicateOf: a second descriptor of a socket or a pipe, to give away.
//
//     reactor::Fd copy = co_await OrReturn(DuplicateOf(listener.source()));
//     options.descriptors.emplace(3, std::move(copy));    // For a child.
//
// A listening socket goes from one version of a program to the next that way,
// and no connection is refused meanwhile: to a child process
// (ProcessOptions::descriptors), to another by a Unix socket (SendDescriptors),
// or to a library that wants a descriptor of its own. The file of a Unix socket
// goes with the one that was bound, unless that is told to leave it
// (LeaveFile).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DUPLICATE_H_
#define WEFT_NET_DUPLICATE_H_

#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"

namespace weft::net {

// What is open is shared: options, what is waiting there, and that it does not
// block. Whoever makes the copy block, as Redirect::To does and some libraries
// do, makes ours block a worker: close ours before. Each descriptor is closed
// by itself, and what is open when all are.
//
// Threads: any.
// Errors:  FAILED_PRECONDITION where the source is closed; RESOURCE_EXHAUSTED
//          where there is no descriptor left.
absl::StatusOr<reactor::Fd> DuplicateOf(reactor::Source& source);

}  // namespace weft::net

#endif  // WEFT_NET_DUPLICATE_H_
