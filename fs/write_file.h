// WriteFileAtomically: one file in the place of another, in one step.
//
//     co_await OrReturn(WriteFileAtomically("settings.json", json));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_WRITE_FILE_H_
#define WEFT_FS_WRITE_FILE_H_

#include <sys/types.h>

#include <string_view>

#include "absl/status/status.h"
#include "weft/runtime/task.h"

namespace weft::fs {

struct WriteFileOptions {
  // Of the new file; less what the process's umask takes away. Those of the
  // file that is replaced are not kept, nor is its owner.
  mode_t permissions = 0666;
};

// Makes `contents` what is in the file `path`, so that whoever opens it, now or
// after a crash of the system, finds all of the old contents or all of the new,
// and never a mixture.
//
//     write a .weft-*.tmp beside it -> fsync -> rename it to `path`
//                                            -> fsync of the directory
//
// Readers that have the old file open go on reading that. A symbolic link at
// `path` is replaced, not followed.
//
// Suspends: until the device has it: two fsyncs, mostly.
// Cancel:   CANCELLED before the rename; the old file is untouched and the
//           temporary one is gone. From the rename on it is not interrupted.
// Borrows:  `contents`, until the task has completed.
// Errors:   as those of open(2) for a directory that is missing, or may not be
//           read and written; RESOURCE_EXHAUSTED where the disk is full. After
//           any error the old file is untouched and the temporary one is gone
//           (one that could not be removed is named after the error), but for
//           one: where the message names the fsync of the directory, the new
//           file is in place, and a crash may still bring back the old one.
Task<absl::Status> WriteFileAtomically(std::string_view path,
                                       std::string_view contents,
                                       WriteFileOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_WRITE_FILE_H_
