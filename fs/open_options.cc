// From words to flags.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/open_options.h"

#include <fcntl.h>

#include "absl/status/status.h"

namespace weft::fs {
namespace {

int AccessFlag(Access access) {
  switch (access) {
    case Access::kRead:
      return O_RDONLY;
    case Access::kWrite:
      return O_WRONLY;
    case Access::kReadWrite:
      return O_RDWR;
  }
  return O_RDONLY;
}

int CreateFlags(Create create) {
  switch (create) {
    case Create::kNever:
      return 0;
    case Create::kIfMissing:
      return O_CREAT;
    case Create::kExclusive:
      return O_CREAT | O_EXCL;
  }
  return 0;
}

}  // namespace

absl::StatusOr<int> OpenFlags(const OpenOptions& options) {
  if (options.access == Access::kRead) {
    // POSIX leaves O_RDONLY | O_TRUNC open, and Linux does truncate.
    if (options.truncate) {
      return absl::InvalidArgumentError(
          "a file opened to be read cannot be truncated: ask for write access");
    }
    if (options.append) {
      return absl::InvalidArgumentError(
          "a file opened to be read cannot be appended to: ask for write "
          "access");
    }
    if (options.create != Create::kNever) {
      return absl::InvalidArgumentError(
          "a file opened to be read is not created: ask for write access");
    }
  }
  return AccessFlag(options.access) | CreateFlags(options.create) |
         (options.truncate ? O_TRUNC : 0) | (options.append ? O_APPEND : 0);
}

}  // namespace weft::fs
