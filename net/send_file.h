// SendFileTo: a part of a file goes out on a socket, without passing through
// the program.
//
//     in the page cache?   for each megabyte, asked of one byte in 128 KiB
//        | no: it is read on the blocking pool, so that it is
//        v
//     sendfile             the kernel moves pages; waits like any write
//
// Without the first step a worker would wait for the disk inside sendfile, and
// every task on it as well. A page that is evicted in between, or lies between
// two that were asked for, makes it wait all the same: for one read.
//
// Where the system cannot do it with this kind of file, the bytes pass through
// a buffer.
//
// Rejected: sendfile on the pool (a socket that is slow would hold a thread).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SEND_FILE_H_
#define WEFT_NET_SEND_FILE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "weft/net/socket_ends.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Sends `size` bytes of `file` from `offset` on, or what there is of them, and
// gives how many. StreamSocket::SendFile is the public name.
//
// Suspends: whenever the socket's buffer is full, or the disk is asked.
// Cancel:   CANCELLED; an unknown part has been sent.
// Borrows:  all of them.
Task<absl::StatusOr<std::uint64_t>> SendFileTo(reactor::Source& to,
                                               const WriteEnd& end,
                                               const reactor::Fd& file,
                                               std::uint64_t offset,
                                               std::uint64_t size);

}  // namespace weft::net

#endif  // WEFT_NET_SEND_FILE_H_
