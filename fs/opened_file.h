// OpenedFile: what open(2) gave, if that is something to read and write at
// positions.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_OPENED_FILE_H_
#define WEFT_FS_OPENED_FILE_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::fs {

struct OpenedFile {
  reactor::Fd fd;
  struct stat about{};
};

// Opens `path` with the flags of open(2). Blocks for the file system, never for
// another process: a pipe is refused, and is not opened for that, so whoever
// waits for its other end goes on waiting. (A name that becomes a pipe's in the
// same instant is opened, and closed again.)
//
// Errors: FAILED_PRECONDITION for a pipe or a socket, and with O_NOFOLLOW for
//         a symbolic link; those of open(2). What O_EXCL has made is gone
//         again, or the error says that it is not.
absl::StatusOr<OpenedFile> OpenAsFile(reactor::System& system,
                                      const std::string& path, int flags,
                                      mode_t permissions);

// FAILED_PRECONDITION for what has neither a size nor positions: a pipe, a
// socket, or what no file system knows. `call` is what an error says failed.
absl::Status CheckIsFile(mode_t mode, std::string_view call,
                         std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_OPENED_FILE_H_
