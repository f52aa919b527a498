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

// POSIX: open. What O_SYNC promises holds O_DSYNC's.
int DurabilityFlag(Durability durability) {
  switch (durability) {
    case Durability::kWhenSynced:
      return 0;
    case Durability::kEveryWrite:
      return O_DSYNC;
    case Durability::kEveryWriteWithMetadata:
      return O_SYNC;
  }
  return 0;
}

// What is asked of a file that is only read.
absl::Status CheckReadOnly(const OpenOptions& options) {
  // POSIX leaves O_RDONLY | O_TRUNC open, and Linux does truncate.
  if (options.truncate) {
    return absl::InvalidArgumentError(
        "a file opened to be read cannot be truncated: ask for write access");
  }
  if (options.append) {
    return absl::InvalidArgumentError(
        "a file opened to be read cannot be appended to: ask for write access");
  }
  if (options.create != Create::kNever) {
    return absl::InvalidArgumentError(
        "a file opened to be read is not created: ask for write access");
  }
  if (options.durability != Durability::kWhenSynced) {
    return absl::InvalidArgumentError(
        "a file opened to be read has no writes to be durable: ask for write "
        "access");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> OpenFlags(const OpenOptions& options) {
  if (options.access == Access::kRead) {
    absl::Status allowed = CheckReadOnly(options);
    if (!allowed.ok()) return allowed;
  }
  return AccessFlag(options.access) | CreateFlags(options.create) |
         (options.truncate ? O_TRUNC : 0) | (options.append ? O_APPEND : 0) |
         (options.links == Links::kNoFollow ? O_NOFOLLOW : 0) |
         DurabilityFlag(options.durability);
}

}  // namespace weft::fs
