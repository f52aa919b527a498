// ReadSmallFile: all of a file that configures something, such as a
// certificate, for whoever may block the thread: most of them before there is a
// runtime. What tasks read is fs::ReadFile's.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SMALL_FILE_H_
#define WEFT_NET_SMALL_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weft::net {

// Through the system of the runtime that the caller is in, or else the
// kernel's. A pipe, such as a shell puts in place of `<(command)`, is read to
// its end; who is to write into it must have it open by now.
//
// Threads: any; blocks.
// Errors:  INVALID_ARGUMENT for a path with a zero byte, RESOURCE_EXHAUSTED for
//          more than `most` bytes, UNAVAILABLE for a pipe with nothing in it
//          and nobody to write; the system's.
absl::StatusOr<std::string> ReadSmallFile(std::string_view path,
                                          std::size_t most);

}  // namespace weft::net

#endif  // WEFT_NET_SMALL_FILE_H_
