// BoundPath: the file that binding a Unix socket has made, and that goes when
// its socket does.
//
// Whose file it is, is told by its device and its number: a path may have been
// given to another socket meanwhile, and that one's file is not ours to remove.
// (Between the look and the removal it may change hands still. Nobody can
// exclude that; who does not want it binds in a folder of his own.)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_BOUND_PATH_H_
#define WEFT_NET_BOUND_PATH_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/path_claim.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"

namespace weft::net {

// Threads: Remove from any; everything else from one.
class BoundPath {
 public:
  // None: an abstract name, or no name.
  BoundPath() = default;
  // That of a socket just bound to `address`; none where it has no path. One
  // that cannot be looked at is left to be.
  BoundPath(reactor::System& system, const UnixAddress& address);
  BoundPath(BoundPath&& other) noexcept;
  BoundPath& operator=(BoundPath&& other) noexcept;
  ~BoundPath() { Remove(); }

  // Removes the file, the first time.
  void Remove() noexcept;
  // Nor does anybody remove it any more.
  void Leave() noexcept;

 private:
  reactor::System* system_ = nullptr;
  std::string path_;
  dev_t device_ = 0;
  ino_t number_ = 0;
  // Whether there is something to remove. acq_rel where it is taken: pairs with
  // itself, so that one of two removers does it.
  Atomic<bool> ours_{false};
};

// Binds `fd` to `address`. With `replace_stale`, a socket's file that is in the
// way, and behind which nobody listens, is removed first; the claim that it
// gives keeps others from doing so until it listens, and goes then.
//
// Errors: FAILED_PRECONDITION where it is in use.
absl::StatusOr<PathClaim> BindUnix(reactor::System& system, int fd,
                                   const UnixAddress& address,
                                   bool replace_stale);

}  // namespace weft::net

#endif  // WEFT_NET_BOUND_PATH_H_
