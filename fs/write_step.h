// WriteStep: what one trip to the blocking pool writes of a whole file.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_WRITE_STEP_H_
#define WEFT_FS_WRITE_STEP_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::fs {

// Long enough to be worth the trip, and short enough for a cancellation to be
// heeded.
inline constexpr std::size_t kWriteStep = std::size_t{1} << 20;

// Writes the first kWriteStep bytes of `rest`, or what there is, and takes them
// off. Blocks. `path` is how errors call the file.
absl::Status WriteStep(reactor::System& system, const reactor::Fd& file,
                       std::string_view path, std::string_view& rest);

// Closes what was written, since some file systems say only then what has
// become of it. Blocks.
absl::Status CloseWritten(reactor::Fd& file, std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_WRITE_STEP_H_
