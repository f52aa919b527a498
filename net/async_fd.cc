// Taking a descriptor over, or a duplicate of it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/async_fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::SourceHandle;
using ::weft::reactor::System;

absl::Status CannotWait(const std::string& what, absl::string_view why) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot wait for ", what, ": ", why));
}

// Asked beforehand, since the systems do not agree: epoll refuses these with
// EPERM, and kqueue has its own idea of when a file is readable.
absl::Status CheckKind(System& system, int fd, const std::string& what) {
  struct stat status{};
  if (system.fstat(fd, &status) != 0) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fstat(", what, ")"));
  }
  if (S_ISREG(status.st_mode)) return CannotWait(what, "it is a regular file");
  if (S_ISDIR(status.st_mode)) return CannotWait(what, "it is a directory");
  return absl::OkStatus();
}

// At once and not at the first wait, so that who makes it learns what it is.
// A device that cannot be polled is EPERM to epoll_ctl(2), EINVAL, ENODEV or
// ENOTSUP to the kqueues.
absl::Status RegisterNow(const SourceHandle& source, reactor::Reactor& reactor,
                         const std::string& what) {
  absl::Status status = source->Register(reactor);
  const int error = reactor::ErrnoOf(status).value_or(0);
  const bool refused = error == EPERM || error == EINVAL || error == ENODEV ||
                       error == ENOTSUP || error == EOPNOTSUPP;
  return refused ? CannotWait(what, status.message()) : status;
}

}  // namespace

absl::StatusOr<AsyncFd> AsyncFd::Adopt(Fd fd) {
  reactor::Reactor& reactor = CurrentReactor();
  System& system = reactor.system();
  const std::string what = absl::StrCat("descriptor ", fd.get());
  absl::Status kind = CheckKind(system, fd.get(), what);
  if (!kind.ok()) return kind;
  SourceHandle source = reactor.sources().Adopt(std::move(fd), system);
  absl::Status registered = RegisterNow(source, reactor, what);
  if (!registered.ok()) return registered;
  return AsyncFd(std::move(source));
}

absl::StatusOr<AsyncFd> AsyncFd::Borrow(int fd) {
  System& system = CurrentReactor().system();
  Fd duplicate(system.fcntl(fd, F_DUPFD_CLOEXEC, 0), system);
  const int error = errno;
  if (!duplicate) {
    return ErrnoToStatus(error, absl::StrCat("fcntl(", fd, ", F_DUPFD)"));
  }
  return Adopt(std::move(duplicate));
}

}  // namespace weft::net
