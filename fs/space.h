// Space: how much room there is where a file is.
//
//     Space space = co_await OrReturn(GetSpace("/var/lib"));
//     if (space.total > 0 && space.available < needed) ...
//
// A file system that keeps no count (one in memory without a limit, /proc) has
// zero of everything, and is not full. It is a snapshot: others write, too.
// What must not fail for want of room reserves it first (File::Allocate).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_SPACE_H_
#define WEFT_FS_SPACE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Of one file system, in bytes: total, free and available.
using Space = reactor::FileSystemSpace;

// Of the file system that what is called `path` is in; any name in it will do.
// Symbolic links are followed.
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Errors:   NOT_FOUND; PERMISSION_DENIED where a directory on the way may not
//           be searched.
Task<absl::StatusOr<Space>> GetSpace(std::string_view path);

// As GetSpace of a path, of the file system that an open file is in.
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Borrows:  the file.
// Errors:   FAILED_PRECONDITION where the file is closed.
Task<absl::StatusOr<Space>> GetSpace(const File& file);

}  // namespace weft::fs

#endif  // WEFT_FS_SPACE_H_
