// WriteFile, AppendToFile: a whole text into a file, as simply as can be.
//
//     co_await OrReturn(WriteFile("report.txt", report));
//     co_await OrReturn(AppendToFile("events.log", line));
//
// For what can be made again, or is read by nobody before it is complete. What
// must survive a crash, or a reader at the wrong moment, is for
// WriteFileAtomically (write_file.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_WRITE_IN_PLACE_H_
#define WEFT_FS_WRITE_IN_PLACE_H_

#include <string_view>

#include "absl/status/status.h"
#include "weft/fs/write_file.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Makes `contents` what is in the file `path`, which is made if it is missing
// and keeps its permissions and its owner if it is not. A symbolic link is
// followed. Whoever reads meanwhile may find a part of it, and so may whoever
// reads after a crash.
//
// Suspends: until the system has it; not until the device has.
// Cancel:   CANCELLED; the file is as it was, empty, or holds a part of
//           `contents` from its beginning.
// Borrows:  `contents`, until the task has completed.
// Errors:   those of open(2); RESOURCE_EXHAUSTED where the disk is full. The
//           file then holds a part of `contents`, if it was opened.
// Cost:     one trip to the blocking pool for every MiB.
Task<absl::Status> WriteFile(std::string_view path, std::string_view contents,
                             WriteFileOptions options = {});

// Adds `contents` to the end of the file `path`, which is made if it is
// missing. Up to a MiB goes into one call, and what several programs append to
// a local file does not mix then (O_APPEND in open(2)), if the disk has room.
//
// Suspends: until the system has it; not until the device has.
// Cancel:   CANCELLED; a part of `contents` has been added, or none.
// Borrows:  `contents`, until the task has completed.
// Errors:   as WriteFile; a part of `contents` may have been added.
// Cost:     as WriteFile.
Task<absl::Status> AppendToFile(std::string_view path,
                                std::string_view contents,
                                WriteFileOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_WRITE_IN_PLACE_H_
