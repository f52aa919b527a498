// Starting a process: from ProcessOptions to posix_spawn's arguments.
//
// What a child gets from us is what the options say, and nothing by accident:
//
//     descriptors   0, 1, 2 and those of the options; no other, ours or another
//                   library's
//     signals       none blocked (ours block those that we watch) and none
//                   ignored
//     the rest      as posix_spawn(2): limits, user, niceness
//
// Rejected: fork and exec (a copy of the page tables of a large program, and
// between the two only what is safe in a signal handler may be called, while
// other threads hold locks that no one will release).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PROCESS_START_H_
#define WEFT_NET_PROCESS_START_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "weft/net/process_options.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// A process that runs, and our ends of its pipes, which do not block; empty
// where there is none.
struct StartedProcess {
  pid_t number = -1;
  reactor::Fd standard_input;
  reactor::Fd standard_output;
  reactor::Fd standard_error;
};

// Blocks until the program is in memory, or cannot be.
//
// Errors: those of Process::Spawn.
absl::StatusOr<StartedProcess> StartProcess(reactor::System& system,
                                            ProcessOptions options);

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_START_H_
