// The descriptors that a child is born with, as posix_spawn's file actions.
//
//     0, 1, 2       what ProcessOptions says of its three streams
//     some others   ProcessOptions::descriptors
//     the rest      none: they are closed, ours or another library's
//
// Invariants
//   1. No original has a number that the child has, but for a stream that is
//      inherited, which stays where it is: no duplicate overwrites the original
//      of another.
//   2. Originals are closed by exec, in this child and in any that somebody
//      starts meanwhile; those that were given without FD_CLOEXEC, too.
//   3. Actions are done in their order: first all that the child has, then the
//      end of all the rest, where the originals are.
//
// Rejected: to close the rest first, and with one call (the originals would be
// gone); to trust exec with those between the passed ones (it closes ours, but
// not what another library has left to be inherited).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PROCESS_DESCRIPTORS_H_
#define WEFT_NET_PROCESS_DESCRIPTORS_H_

#include <spawn.h>

#include <array>

#include "absl/status/statusor.h"
#include "weft/net/process_options.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// One of the three: the child's end, and for a pipe ours.
struct StreamEnds {
  reactor::Fd theirs;  // Empty: not opened here.
  reactor::Fd ours;
};

using Streams = std::array<StreamEnds, 3>;

// Opens what the streams lead to, and adds what makes them, and what `options`
// pass on besides, the child's. All that is to stay open until it has been
// started: `options`, too.
//
// Errors: RESOURCE_EXHAUSTED where no descriptor is left, or none that the
//         child does not have; those of fcntl(2).
absl::StatusOr<Streams> AddDescriptors(reactor::System& system,
                                       ProcessOptions& options,
                                       posix_spawn_file_actions_t& actions);

// Closes what other parts of the program have left to be inherited; a flag that
// does so where there is one, and else 0. Comes after AddDescriptors: it closes
// the originals, too.
//
// Cost: without the flag, a close(2) for each number below the highest that is
//       passed on.
absl::StatusOr<int> InheritNothingElse(const ProcessOptions& options,
                                       posix_spawn_file_actions_t& actions);

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_DESCRIPTORS_H_
