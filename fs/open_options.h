// OpenOptions: how a file is opened, in words instead of O_ flags.
//
//     File::Open(path)                                    // To read.
//     File::Open(path, {.access = Access::kReadWrite})
//     File::Open(path, fs::kReplace)                      // To write it anew.
//     File::Open(path, {.access = Access::kWrite,
//                       .durability = Durability::kEveryWrite})
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_OPEN_OPTIONS_H_
#define WEFT_FS_OPEN_OPTIONS_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "weft/fs/metadata.h"

namespace weft::fs {

enum class Access { kRead, kWrite, kReadWrite };

// What happens where there is no such file, or one already.
enum class Create {
  kNever,      // It must be there: NOT_FOUND otherwise.
  kIfMissing,  // It is made where it is missing.
  kExclusive,  // It must not be there, not even as a link: ALREADY_EXISTS.
};

// When what was written survives a crash of the system. On macOS the calls that
// make every write durable leave it in the cache of the device, which only Sync
// empties: fsync(2) there.
enum class Durability {
  kWhenSynced,  // After a Sync or SyncData.
  kEveryWrite,  // When the write has completed, as if by a SyncData after it.
  // And with all that is known about the file, as if by a Sync.
  kEveryWriteWithMetadata,
};

struct OpenOptions {
  Access access = Access::kRead;
  Create create = Create::kNever;
  // Whether what is in the file is thrown away. Wants write access.
  bool truncate = false;
  // Whether every write goes to the end, wherever that is by then. Wants write
  // access. Positions of writes are then ignored.
  bool append = false;
  // Of a file that is made; less what the process's umask takes away.
  mode_t permissions = 0666;
  // Where the last name of the path is a symbolic link: whether what it leads
  // to is opened, or nothing. Links on the way there are followed always, and
  // a path that ends in a slash means what the link leads to: open(2).
  Links links = Links::kFollow;
  // More than kWhenSynced wants write access.
  Durability durability = Durability::kWhenSynced;
};

// Write it anew, whether or not it is there.
inline constexpr OpenOptions kReplace = {
    .access = Access::kWrite, .create = Create::kIfMissing, .truncate = true};

// Add to it; make it where it is missing.
inline constexpr OpenOptions kAppend = {
    .access = Access::kWrite, .create = Create::kIfMissing, .append = true};

// The flags of open(2) that mean `options`.
//
// Errors: INVALID_ARGUMENT where `options` contradict themselves: to truncate,
//         append to or create a file that is opened only to be read, or to make
//         its writes durable.
absl::StatusOr<int> OpenFlags(const OpenOptions& options);

}  // namespace weft::fs

#endif  // WEFT_FS_OPEN_OPTIONS_H_
