// How names in directories are made, changed and removed.
//
//     co_await OrReturn(CreateDirectory("out"));
//     co_await OrReturn(Rename("out", "results"));
//
// None of these calls has a form that does not block, so each goes to the
// blocking pool.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_NAMES_H_
#define WEFT_FS_NAMES_H_

#include <sys/types.h>

#include <string_view>

#include "absl/status/status.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Makes the directory `path`, in one that exists. `permissions` are less what
// the process's umask takes away.
//
// Suspends: until it is there.
// Cancel:   CANCELLED; nothing was made.
// Errors:   ALREADY_EXISTS where the name is taken, by whatever it may be;
//           NOT_FOUND where the directory around it is missing.
Task<absl::Status> CreateDirectory(std::string_view path,
                                   mode_t permissions = 0777);

// Removes the directory `path`, which must be empty.
//
// Suspends: until it is gone.
// Cancel:   CANCELLED; it is still there.
// Errors:   NOT_FOUND; FAILED_PRECONDITION where it is not empty, or not a
//           directory.
Task<absl::Status> RemoveDirectory(std::string_view path);

// Removes the name `path` of anything but a directory. What it names lives on
// as long as it has other names or is open.
//
// Suspends: until it is gone.
// Cancel:   CANCELLED; it is still there.
// Errors:   NOT_FOUND; what the system says of directories differs between
//           systems.
Task<absl::Status> RemoveFile(std::string_view path);

// Gives what is called `from` the name `to`, in the same file system. What was
// called `to` is replaced, and at no time is there nothing of that name.
//
// Suspends: until it is done.
// Cancel:   CANCELLED; nothing was renamed.
// Errors:   NOT_FOUND; FAILED_PRECONDITION between file systems, and where
//           `to` is a directory that is not empty.
Task<absl::Status> Rename(std::string_view from, std::string_view to);

}  // namespace weft::fs

#endif  // WEFT_FS_NAMES_H_
