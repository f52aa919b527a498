// Locking a file that may lose its name meanwhile.
//
// SPDX-License-Identifier: MIT

#include "weft/net/path_claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/peer.h"
#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

absl::Status Failed(int error, const char* call, const std::string& path) {
  return ErrnoToStatus(error, NameOf(call, Peer::Socket(path)));
}

// The file of that name, which may be another user's: of a folder for all,
// fs.protected_regular keeps who would make it from opening it.
int OpenLock(System& system, const std::string& path) {
  const auto try_with = [&](int flags) {
    return RetryInterrupted([&] {
      return system.open(path.c_str(), flags | O_NOFOLLOW,
                         S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
    });
  };
  const int made = try_with(O_RDWR | O_CREAT);
  if (made != -1 || errno != EACCES) return made;
  const int found = try_with(O_RDONLY);
  if (found == -1) errno = EACCES;  // Also where there is none to find.
  return found;
}

// An open file of that name, locked; empty where somebody else has it locked.
absl::StatusOr<Fd> OpenLocked(System& system, const std::string& path) {
  const int number = OpenLock(system, path);
  int error = errno;
  if (number == -1) return Failed(error, "open", path);
  Fd file(number, system);
  const int locked = RetryInterrupted(
      [&] { return system.flock(file.get(), LOCK_EX | LOCK_NB); });
  error = errno;
  if (locked == 0) return file;
  if (error == EWOULDBLOCK) return Fd();
  return Failed(error, "flock", path);
}

// Whether the open file still has this name, and so is locked for all.
absl::StatusOr<bool> HasName(System& system, const Fd& file,
                             const std::string& path) {
  struct stat open{};
  struct stat named{};
  if (system.fstat(file.get(), &open) == -1) {
    return Failed(errno, "fstat", path);
  }
  if (system.lstat(path.c_str(), &named) == -1) {
    if (errno == ENOENT) return false;
    return Failed(errno, "lstat", path);
  }
  return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

absl::StatusOr<PathClaim> PathClaim::Take(System& system,
                                          const UnixAddress& address) {
  if (!address.is_path()) return PathClaim();
  std::string path = absl::StrCat(address.ToString(), ".weft-lock");
  for (;;) {
    absl::StatusOr<Fd> lock = OpenLocked(system, path);
    if (!lock.ok()) return std::move(lock).status();
    if (lock->empty()) return Failed(EADDRINUSE, "bind", address.ToString());
    const absl::StatusOr<bool> for_all = HasName(system, *lock, path);
    if (!for_all.ok()) return for_all.status();
    if (*for_all) return PathClaim(system, *std::move(lock), std::move(path));
  }
}

PathClaim::~PathClaim() {
  if (lock_.empty()) return;
  system_->unlink(path_.c_str());  // In vain: the next claim takes the file.
}

}  // namespace weft::net
