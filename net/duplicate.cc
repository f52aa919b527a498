// fcntl(2)'s way to do it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/duplicate.h"

#include <fcntl.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {

absl::StatusOr<reactor::Fd> DuplicateOf(reactor::Source& source) {
  reactor::Fd copy;
  absl::Status status =
      WithDescriptor(source, [&copy](reactor::System& system, int fd) {
        const int number = system.fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (number == -1) {
          const int error = errno;
          return reactor::ErrnoToStatus(
              error, absl::StrCat("fcntl(", fd, ", F_DUPFD)"));
        }
        copy = reactor::Fd(number, system);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return copy;
}

}  // namespace weft::net
