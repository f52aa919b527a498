// FIFOs: pipes that have a name in the file system, so that programs find them
// which nobody has started together.
//
//     PipeReader requests = co_await OrReturn(
//         OpenFifoReader("/run/weft.requests", {.hold_other_end = true}));
//
//     PipeWriter out = co_await OrReturn(OpenFifoWriter("/run/weft.requests"));
//     co_await OrReturn(out.WriteAll(line));
//
// To open an end waits for nobody to open the other, and so comes to what the
// system says of a pipe that has only one:
//
//                     nobody has the other end        ... holding it
//     open to read    works; reads give 0, the end    reads wait
//     open to write   UNAVAILABLE                     works; writes are kept
//                                                     while any end is open
//
// Who serves whoever comes holds the other end as well: else there is an end
// whenever the last writer has left, and before the first has come, and a loop
// that reads on past it never waits.
//
// What is written is kept until the last end is closed; what nobody has read is
// then lost, without a word to who wrote it. A writer that holds the other end
// stays until it has been answered, by whatever way.
//
// On macOS a wait is not told that the other side has left (kqueue looks at the
// file there, and a close tells only those who block in a read): a reader is
// told of the end only if it looks, and a writer for which there is no room
// waits on when nobody reads any more. A side that needs no end holds the other
// one; a side that needs it says so in what it writes, or sets a timeout.
//
// Rejected: to wait until somebody opens the other end. open(2) that blocks
// would keep a thread of the blocking pool, which no cancellation gets back,
// and no other call tells when the moment has come. A writer that is early
// tries again later, or holds the other end itself.
//
// What is written in one piece of at most PIPE_BUF bytes (4096 on Linux, 512 on
// macOS) is not mixed with what other writers write: pipe(7).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_FIFO_H_
#define WEFT_NET_FIFO_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "weft/net/pipe.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct FifoOptions {
  // Whether the end that is opened holds the other one, too (O_RDWR): a reader
  // then never sees the end of the stream, and a writer is never told that
  // nobody reads. One must be allowed to do both with the FIFO.
  bool hold_other_end = false;
};

// Opens the FIFO at `path` to read from it.
//
// Suspends: until the file system has answered; never for a writer.
// Cancel:   CANCELLED; nothing was opened.
// Errors:   NOT_FOUND, PERMISSION_DENIED; FAILED_PRECONDITION for what is no
//           FIFO; INVALID_ARGUMENT for a zero byte in the path;
//           RESOURCE_EXHAUSTED where no descriptor is left.
// Cost:     a trip to the blocking pool, of two system calls.
Task<absl::StatusOr<PipeReader>> OpenFifoReader(std::string_view path,
                                                FifoOptions options = {});

// As OpenFifoReader, to write to it.
//
// Suspends: until the file system has answered; never for a reader.
// Cancel:   CANCELLED; nothing was opened.
// Errors:   as OpenFifoReader; UNAVAILABLE where nobody has it open to read.
Task<absl::StatusOr<PipeWriter>> OpenFifoWriter(std::string_view path,
                                                FifoOptions options = {});

}  // namespace weft::net

#endif  // WEFT_NET_FIFO_H_
