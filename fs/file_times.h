// FileTimes: when a file was last read and last changed, as one may set it.
//
//     co_await OrReturn(SetTimes("copy", {.modified = about.modified}));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_FILE_TIMES_H_
#define WEFT_FS_FILE_TIMES_H_

#include <time.h>

#include <array>
#include <optional>

#include "absl/time/time.h"

namespace weft::fs {

// What has no value is left as it is.
struct FileTimes {
  std::optional<absl::Time> accessed = {};
  std::optional<absl::Time> modified = {};
};

// As utimensat(2) takes them. Rounded down to what the file system keeps; the
// infinite past and future are the first and the last that a timespec holds.
std::array<timespec, 2> ToTimespecs(const FileTimes& times) noexcept;

}  // namespace weft::fs

#endif  // WEFT_FS_FILE_TIMES_H_
