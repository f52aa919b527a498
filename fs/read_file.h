// ReadFile: all of a file, in memory.
//
//     std::string text = co_await OrReturn(ReadFile("/etc/hosts"));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_READ_FILE_H_
#define WEFT_FS_READ_FILE_H_

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/runtime/task.h"

namespace weft::fs {

struct ReadFileOptions {
  // RESOURCE_EXHAUSTED for a file that holds more than this many bytes; no more
  // than that are kept in memory.
  std::size_t max_size = std::numeric_limits<std::size_t>::max();
};

// What is in the file `path`: all of it, also where its size is not known
// beforehand, as under /proc, or changes meanwhile.
//
// Suspends: until it has been read; a file smaller than a megabyte costs one
//           to the blocking pool, opening and closing included, a larger one
//           another for each megabyte.
// Cancel:   CANCELLED, between two such trips; nothing is left open.
// Errors:   NOT_FOUND, PERMISSION_DENIED; FAILED_PRECONDITION for a directory,
//           a pipe or a socket.
Task<absl::StatusOr<std::string>> ReadFile(std::string_view path,
                                           ReadFileOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_READ_FILE_H_
