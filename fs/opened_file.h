// OpenedFile: what open(2) gave, if that is something to read and write at
// positions.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_OPENED_FILE_H_
#define WEFT_FS_OPENED_FILE_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::fs {

struct OpenedFile {
  reactor::Fd fd;
  struct stat about{};
};

// Opens `path` with the flags of open(2). Blocks for the file system, never for
// another process: a pipe whose other end nobody has opened is refused, as is
// any other.
//
// Errors: FAILED_PRECONDITION for a pipe or a socket; those of open(2). What
//         O_EXCL has made is gone again.
absl::StatusOr<OpenedFile> OpenAsFile(reactor::System& system,
                                      const std::string& path, int flags,
                                      mode_t permissions);

}  // namespace weft::fs

#endif  // WEFT_FS_OPENED_FILE_H_
