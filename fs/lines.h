// ReadLines: the lines of a file, one at a time.
//
//     File file = co_await OrReturn(File::Open("/etc/hosts"));
//     AsyncGenerator<absl::StatusOr<std::string_view>> lines = ReadLines(file);
//     while (std::optional<absl::StatusOr<std::string_view>> line =
//                co_await lines.Next()) {
//       std::string_view text = co_await OrReturn(*std::move(line));
//       ...
//     }
//
//     buffer   | given | the line | not yet looked for an end |  free  |
//                        ^ begin_   ^ looked_                  ^ end_
//
// A line is a part of the buffer, so giving it copies nothing. What is left of
// the buffer when no line ends in it moves to its front, and the buffer grows
// only for a line that is longer.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_LINES_H_
#define WEFT_FS_LINES_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/runtime/async_generator.h"

namespace weft::fs {

// How a line looks that ends in "\r\n" or "\n".
enum class LineEnds {
  kCut,          // Without the "\n". A "\r" before it is a part of the line.
  kCutCarriage,  // Without either.
  kKeep,  // With all of it. So one sees whether the last line has an end.
};

struct LinesOptions {
  LineEnds ends = LineEnds::kCut;
  // RESOURCE_EXHAUSTED for a line that is longer than this, its end not
  // counted. The buffer grows to that, and no more; meanwhile there are two.
  std::size_t max_length = std::size_t{1} << 20;
  // How much is read at a time, at least.
  std::size_t buffer_size = std::size_t{64} << 10;
};

// The lines of `file` from its cursor on. A last line without an end is one; a
// file that ends in one has no empty line behind it. When the lines have ended
// the cursor is at the end of the file, and ReadLines again gives what has been
// added since; before, it may be beyond the line that was given. An error is
// the last item.
//
// A view is valid until the next Next(), or until the generator is dropped.
//
// Suspends: as File::Read, once for each buffer.
// Cancel:   CANCELLED is the last item; what was read and not given is lost.
// Borrows:  `file`, until the generator is gone.
// Errors:   as File::Read; RESOURCE_EXHAUSTED for a line that is too long.
// Cost:     the buffer is allocated once, and again for longer lines; a line
//           costs a memchr.
AsyncGenerator<absl::StatusOr<std::string_view>> ReadLines(
    File& file, LinesOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_LINES_H_
