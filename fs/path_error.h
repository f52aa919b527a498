// How an error of a system call reads that was given a path.
//
//     open("/etc/nope"): No such file or directory
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_PATH_ERROR_H_
#define WEFT_FS_PATH_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace weft::fs {

// That `call` failed on `path` for the reason `error`, an errno.
absl::Status PathError(int error, std::string_view call, std::string_view path);

// What a call that answers 0 or -1 and errno has to say.
absl::Status CheckCall(int answer, std::string_view call,
                       std::string_view path);

// INVALID_ARGUMENT for a path with a zero byte in it: the system would read
// only what comes before that, and so mean another file.
absl::Status CheckPath(std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_PATH_ERROR_H_
