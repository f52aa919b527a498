// PathClaim: while it lives, no other program of ours replaces a stale socket
// at the same path.
//
// Who finds a socket's file in the way looks whether anybody is behind it, and
// removes it if not. Two programs that start at one moment would undo each
// other's work: a fresh socket is refused, as a stale one is, until it listens;
// and what is stale at the look may be another's by the time it is removed. So
// look, removal, bind and listen are done under a lock: flock(2) on a file of
// its own, `PATH.weft-lock`, which is gone afterwards.
//
// Invariants
//   1. Whoever holds the lock of the file that has the name has the claim.
//   2. The name is removed by its holder, before the lock is given up. So a
//      file that is locked and has lost its name claims nothing: try again.
//   3. A crash gives the lock up. The file it leaves is empty, and the next
//      claim takes and removes it; or only takes it, where the folder lets none
//      but its owner remove it. To lock it is enough to be let read it.
//
// Rejected: to bind under another name and rename that to the path. It is never
// without a listener, but of two who do so the first is silently lost to the
// last; and the other name must fit into sun_path as well. A lock on the
// directory: others hold that for their own reasons, and for long (it keeps
// systemd-tmpfiles off). A lock that is kept as long as the socket: then the
// look would not be needed, but programs that take none are replaced alive.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PATH_CLAIM_H_
#define WEFT_NET_PATH_CLAIM_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// Threads: one.
class PathClaim {
 public:
  // None.
  PathClaim() = default;
  // Waits for nobody. None for an address that is no path.
  //
  // Errors: FAILED_PRECONDITION where another has it, and so is about to use
  //         the address; those of open(2) in the path's folder, with a umask
  //         that hides files from other users such as PERMISSION_DENIED.
  static absl::StatusOr<PathClaim> Take(reactor::System& system,
                                        const UnixAddress& address);

  PathClaim(PathClaim&&) noexcept = default;
  PathClaim& operator=(PathClaim&&) = delete;  // Would have to give one up.
  ~PathClaim();

 private:
  PathClaim(reactor::System& system, reactor::Fd lock, std::string path)
      : system_(&system), lock_(std::move(lock)), path_(std::move(path)) {}

  reactor::System* system_ = nullptr;
  reactor::Fd lock_;  // Empty: there is none.
  std::string path_;
};

}  // namespace weft::net

#endif  // WEFT_NET_PATH_CLAIM_H_
