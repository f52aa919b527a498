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

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/overwrite.h"
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

// Makes the directory `path` and each one on the way to it that is missing.
// What is there already is left as it is, and two that make the same one at the
// same time both succeed.
//
// Suspends: until it is there; one trip to the pool.
// Cancel:   CANCELLED; nothing was made.
// Errors:   ALREADY_EXISTS where `path` is something else, or a link on the way
//           leads nowhere; FAILED_PRECONDITION where something on the way is no
//           directory. Those before it may have been made.
Task<absl::Status> CreateDirectories(std::string_view path,
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
// called `to` is replaced, and at no time is there nothing of that name; or
// else, with Overwrite::kNo, nobody's name is taken, not even one that somebody
// gives at the same moment.
//
// Suspends: until it is done.
// Cancel:   CANCELLED; nothing was renamed.
// Errors:   NOT_FOUND; FAILED_PRECONDITION between file systems, and where
//           `to` is a directory that is not empty (of which XFS, for one, says
//           ALREADY_EXISTS). With Overwrite::kNo
//           ALREADY_EXISTS where `to` is taken; UNIMPLEMENTED or, on Linux,
//           INVALID_ARGUMENT where the file system cannot do that: nothing is
//           done in its place.
Task<absl::Status> Rename(std::string_view from, std::string_view to,
                          Overwrite overwrite = Overwrite::kYes);

// Gives the file `from` another name, `to`, as good as the first.
//
// Suspends: until it is there.
// Cancel:   CANCELLED; nothing was made.
// Errors:   NOT_FOUND; ALREADY_EXISTS where `to` is taken; FAILED_PRECONDITION
//           between file systems; PERMISSION_DENIED for a directory, and where
//           the file system has no such names.
Task<absl::Status> CreateLink(std::string_view from, std::string_view to);

// Makes `path` a symbolic link: a name that leads to `target`, which is looked
// up from the directory of the link each time, and need not be there.
//
// Suspends: until it is there.
// Cancel:   CANCELLED; nothing was made.
// Errors:   ALREADY_EXISTS where `path` is taken.
Task<absl::Status> CreateSymbolicLink(std::string_view target,
                                      std::string_view path);

// Where the symbolic link `path` leads to, as it was written into it.
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Errors:   NOT_FOUND; INVALID_ARGUMENT where it is no symbolic link.
Task<absl::StatusOr<std::string>> ReadLink(std::string_view path);

// The one path from the root to what is called `path`, without symbolic links,
// "." and "..": realpath(3).
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Errors:   NOT_FOUND, also of a link that leads nowhere; FAILED_PRECONDITION
//           where links lead in a circle.
Task<absl::StatusOr<std::string>> Canonical(std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_NAMES_H_
