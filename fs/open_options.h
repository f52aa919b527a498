// OpenOptions: how a file is opened, in words instead of O_ flags.
//
//     File::Open(path)                                    // To read.
//     File::Open(path, {.access = Access::kReadWrite})
//     File::Open(path, fs::kReplace)                      // To write it anew.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_OPEN_OPTIONS_H_
#define WEFT_FS_OPEN_OPTIONS_H_

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace weft::fs {

enum class Access { kRead, kWrite, kReadWrite };

// What happens where there is no such file, or one already.
enum class Create {
  kNever,      // It must be there: NOT_FOUND otherwise.
  kIfMissing,  // It is made where it is missing.
  kExclusive,  // It must not be there, not even as a link: ALREADY_EXISTS.
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
//         append to or create a file that is opened only to be read.
absl::StatusOr<int> OpenFlags(const OpenOptions& options);

}  // namespace weft::fs

#endif  // WEFT_FS_OPEN_OPTIONS_H_
