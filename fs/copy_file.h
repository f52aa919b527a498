// CopyFile: a second file with the same contents.
//
//     std::uint64_t size = co_await OrReturn(CopyFile("a", "b"));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_COPY_FILE_H_
#define WEFT_FS_COPY_FILE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/fs/overwrite.h"
#include "weft/runtime/task.h"

namespace weft::fs {

struct CopyOptions {
  // What happens where the name of the copy is taken.
  Overwrite overwrite = Overwrite::kYes;
  // Whether the copy is as old as what was copied.
  bool keep_times = false;
};

// Makes `to` a copy of the file `from`, and gives its size. Its permissions are
// those of `from`, but for the bits that lend the owner's rights to whoever
// runs it: the copy may have another owner. A symbolic link at `from` is
// followed, one at `to` replaced.
//
//     write a .weft-*.tmp beside `to` -> give it the permissions
//                                     -> rename it to `to`
//
// So nobody ever sees half of it. A crash of the system soon after may lose the
// copy: it is for the system to store when it likes (File::Sync).
//
// Suspends: until it is done, in trips to the pool of some megabytes each.
// Cancel:   CANCELLED before the rename; `to` is untouched and the temporary
//           file is gone.
// Errors:   NOT_FOUND, PERMISSION_DENIED; FAILED_PRECONDITION for a directory,
//           a pipe or a socket; RESOURCE_EXHAUSTED where the disk is full. `to`
//           is untouched then and the temporary file is gone; one that could
//           not be removed is named after the error. Not to overwrite takes a
//           file system with hard links, PERMISSION_DENIED elsewhere; where the
//           message begins with the unlink of the temporary name, `to` is the
//           copy, and has that name as well.
Task<absl::StatusOr<std::uint64_t>> CopyFile(std::string_view from,
                                             std::string_view to,
                                             CopyOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_COPY_FILE_H_
